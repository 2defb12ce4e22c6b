"""A service of the cluster on a port of this machine, for as long as it is needed."""

import os
import re
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from ocr_lib.child_process import die_with_parent
from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.polling import Pauses, poll_until

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
POLL_S = 0.2
MAX_BYTES = 64 << 10  # of what kubectl says
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
        die_with_parent(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
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


def _address(process: subprocess.Popen[bytes], target: str) -> str:
    assert process.stdout
    output, text = process.stdout.fileno(), ""

    def read_address() -> str:
        nonlocal text
        if not select.select([output], [], [], POLL_S)[0]:
            return ""
        content = os.read(output, MAX_BYTES)
        if not content or len(text) > MAX_BYTES:
            raise ServiceError(f"kubectl port-forward {target}: {_last_line(text)}.")
        text += content.decode(errors="replace")
        forwarding = FORWARDING.search(text)
        return forwarding[1] if forwarding else ""

    return poll_until(
        read_address,
        f"kubectl port-forward {target} to listen",
        START_TIMEOUT_S,
        Pauses(0.0),
        next_step=lambda: f"It said: {_last_line(text)}.",
    )


def _last_line(text: str) -> str:
    return (text.strip() or "nothing said").splitlines()[-1]
