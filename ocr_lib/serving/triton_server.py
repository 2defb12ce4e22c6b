"""A real Triton: on this machine for the demo and the tests, and inside the serving image."""

import errno
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ocr_lib.child_process import child_environment, die_with_parent
from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.regular_file import read_tail
from ocr_lib.serving import hidden_arguments
from ocr_lib.serving.connection import check_admin_key
from ocr_lib.serving.triton_access import (
    ADMIN_KEY,
    LOOPBACK,
    RESTRICTIONS,
    Address,
    ServerTls,
    check_open_address,
    parse_address,
)
from ocr_lib.serving.triton_env import find_triton, lay_out_backends, lay_out_code

READY_TIMEOUT_S = 60.0
EXIT_TIMEOUT_S = 5  # requests in flight get this long to finish
STOP_TIMEOUT_S = 20.0
LOG_TAIL_BYTES = 256 << 10
LOG_TAIL_LINES = 20
PORTS = ("grpc", "http", "metrics")


class TritonServer:
    """Runs tritonserver while the block lasts, with explicit model control.

    Usage: `with TritonServer(prepare_repository(store), log=Path("triton.log")) as server: …`.

    Args:
        repository: where the models are: a folder, or `s3://http://host:port/bucket/prefix`.
        log: the file that the server writes its log to, replaced; None is this process's output.
        environment: variables for the server, such as the store's credentials.
        load: models to load at the start, for a server that takes over production.
        grpc_port: port of the inference and management protocol; None takes a free one.
        http_port: port of the HTTP protocol; None takes a free one.
        metrics_port: port of the Prometheus metrics; None takes a free one.
        address: IP address to listen on, with gRPC, HTTP and metrics alike; `0.0.0.0` for other
            machines, which takes an `admin_key`.
        tls: encrypts gRPC; HTTP then listens on this machine alone, for it cannot be encrypted.
        admin_key: what management calls have to carry; "" asks for none.

    Raises:
        ConfigError: the address is none or open to others without a key, or the key is too short.
    """

    def __init__(
        self,
        repository: str,
        *,
        log: Path | None,
        environment: Mapping[str, str] | None = None,
        load: Sequence[str] = (),
        grpc_port: int | None = None,
        http_port: int | None = None,
        metrics_port: int | None = None,
        address: str = str(LOOPBACK),
        tls: ServerTls | None = None,
        admin_key: str = "",
    ) -> None:
        self.repository = repository
        self.log = log
        self._environment = dict(environment or {})
        self._load = tuple(load)
        self._requested_ports = {"grpc": grpc_port, "http": http_port, "metrics": metrics_port}
        self._address = parse_address(address)
        self._tls = tls
        self._admin_key = check_admin_key(admin_key)
        check_open_address(self._address, self._admin_key)
        self._ports: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    @property
    def url(self) -> str:
        """`host:port` of gRPC, for `Recognizer` and tritonclient."""
        return self._at("grpc")

    @property
    def http_url(self) -> str:
        """URL of the HTTP protocol."""
        return f"http://{self._at('http')}"

    @property
    def metrics_url(self) -> str:
        """URL of the Prometheus metrics."""
        return f"http://{self._at('metrics')}/metrics"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process else None

    def __enter__(self) -> "TritonServer":
        triton = find_triton()
        self._ports = _take_ports(self._requested_ports, self._listens)
        self._folder = Path(tempfile.mkdtemp(prefix="ocr-triton-"))
        try:
            backends = lay_out_backends(triton, self._folder / "backends")
            arguments = self._arguments(backends)
            with self._open_log() as log:
                self._process = subprocess.Popen(
                    die_with_parent([*self._launcher(), str(triton.binary), *arguments]),
                    env=child_environment(
                        {
                            "OCR_TRITON_NETWORK_KEY": secrets.token_hex(32),
                            **self._environment,
                            **({ADMIN_KEY: self._admin_key} if self._admin_key else {}),
                            **triton.variables(),
                        },
                        search=triton.search_paths(),
                    ),
                    cwd=lay_out_code(self._folder / "code"),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    process_group=0,  # its own, with the processes that its models run in
                )
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server, with a few seconds for requests in flight; harmless when repeated."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT_S)
            with suppress(ProcessLookupError):  # what a server that hangs or died leaves behind
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_TIMEOUT_S)
            self._process = None
        if self._folder is not None:
            for region in Path("/dev/shm").glob(f"{self._folder.name}*"):  # noqa: S108
                region.unlink(missing_ok=True)  # a model that was killed leaves its shared memory
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def poll(self) -> int | None:
        """Returns the server's exit code if it has ended."""
        return self._process.poll() if self._process else None

    def _open_log(self) -> BinaryIO:
        if self.log is None:
            return os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        return self.log.open("wb")

    def log_tail(self) -> str:
        """Returns the end of the server's log, without the tables it prints of itself."""
        if self.log is None:
            return ""
        try:
            with self.log.open("rb") as file:
                lines = read_tail(file, LOG_TAIL_BYTES).decode(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join([line for line in lines if line and line[0] not in "|+"][-LOG_TAIL_LINES:])

    def _launcher(self) -> list[str]:
        """Returns what keeps the management key out of the list of processes."""
        return [sys.executable, "-I", hidden_arguments.__file__] if self._admin_key else []

    def _arguments(self, backends: Path) -> list[str]:
        assert self._folder is not None
        ports = [f"--{name}-port={port}" for name, port in self._ports.items()]
        return [
            f"--model-repository={self.repository}",
            f"--backend-directory={backends}",
            f"--backend-config=python,shm-region-prefix-name={self._folder.name}",
            "--model-control-mode=explicit",
            "--disable-auto-complete-config",
            "--strict-readiness=false",  # strict, it is not ready while any model unloads
            f"--exit-timeout-secs={EXIT_TIMEOUT_S}",
            "--grpc-infer-allocation-pool-size=0",  # keeps no request's memory for the next one
            "--allow-gpu-metrics=false",
            *(f"--{name}-address={_option(name, self._listens(name))}" for name in PORTS),
            *ports,
            *(self._tls.arguments() if self._tls else ()),
            *(RESTRICTIONS if self._admin_key else ()),
            *(f"--load-model={model}" for model in self._load),
        ]

    def _listens(self, protocol: str) -> Address:
        return LOOPBACK if self._tls and protocol == "http" else self._address

    def _at(self, protocol: str) -> str:
        """Returns the `host:port` at which this machine reaches a protocol."""
        address = self._listens(protocol)
        if address.is_unspecified:
            address = LOOPBACK if address.version == 4 else IPv6Address("::1")
        host = f"[{address}]" if address.version == 6 else address
        return f"{host}:{self._ports[protocol]}"

    def _wait(self) -> None:
        """Waits until the server says over HTTP that it is ready, and every port answers."""
        poll_until(
            self._is_ready,
            "tritonserver to be ready",
            READY_TIMEOUT_S,
            Pauses(0.05),
            next_step=lambda: f"The end of its log {self.log}:\n{self.log_tail()}",
        )

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise ServiceError(
                f"tritonserver ended at once (exit code {self._process.returncode}). "
                f"The end of its log {self.log}:\n{self.log_tail()}"
            )
        # Triton opens the port of its metrics last.
        return _answers(f"{self.http_url}/v2/health/ready") and _answers(self.metrics_url)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1.0) as response:  # noqa: S310 - a loopback URL
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _option(protocol: str, address: Address) -> str:
    """Returns an address as Triton takes it for one of its protocols."""
    if address.version == 4:
        return str(address)
    return f"[{address}]" if protocol == "grpc" else f"ipv6:{address}"


def _take_ports(
    requested: Mapping[str, int | None], listens: Callable[[str], Address]
) -> dict[str, int]:
    """Returns a port for each protocol: the one asked for, or a free one.

    Args:
        requested: protocol → port; None for a free one.
        listens: returns the address of a protocol.

    Raises:
        ServiceError: a port that was asked for is in use, or the address is not of this machine.
    """
    ports, sockets = {}, []
    try:
        for name, port in requested.items():
            address = listens(name)
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            try:
                taken = socket.create_server((str(address), port or 0), family=family)
            except OSError as error:
                raise ServiceError(_refused(name, address, port, error)) from error
            sockets.append(taken)
            ports[name] = int(taken.getsockname()[1])
    finally:
        for taken in sockets:
            taken.close()
    return ports


def _refused(protocol: str, address: Address, port: int | None, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is in use: Triton's {protocol} cannot start. "
            "End what listens there, or give another port."
        )
    return (
        f"Triton's {protocol} cannot listen on {address}: {os.strerror(error.errno or 0)}. "
        "Give an address of this machine."
    )
