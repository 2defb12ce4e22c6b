"""A service of the cluster on a port of this machine, for as long as it is needed."""

import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ocr_lib.child_process import die_with_parent
from ocr_lib.errors import ConfigError, ServiceError

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
FORWARDING = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) ->")


@contextmanager
def port_forward(namespace: str, target: str, port: int) -> Iterator[str]:
    """Forwards a free local port by `kubectl port-forward`; yields its `http://` address.

    Raises:
        ConfigError: there is no kubectl here.
        ServiceError: kubectl did not get through.
    """
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise ConfigError("--port-forward", "needs kubectl", "Install it, or give --host")
    command = [kubectl, "--namespace", namespace, "port-forward", target, f":{port}"]
    process = subprocess.Popen(
        die_with_parent(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield f"http://{_address(process, target)}"
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _address(process: subprocess.Popen[str], target: str) -> str:
    assert process.stdout
    last_line = ""
    ends = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < ends:
        if not select.select([process.stdout], [], [], 0.2)[0]:
            continue
        line = process.stdout.readline()
        if not line:
            break
        if match := FORWARDING.match(line):
            return match[1]
        last_line = line.strip()
    raise ServiceError(f"kubectl port-forward {target}: {last_line or 'nothing said'}.")
