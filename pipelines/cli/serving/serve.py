"""`ocr serve`: one replica that serves what is in production."""

import logging
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from ocr_lib.errors import ServiceError
from ocr_lib.polling import CLOCK
from ocr_lib.registry.production import check_model_name
from ocr_lib.serving.client_tls import tls_problem
from ocr_lib.serving.connection import MAKE_ADMIN_KEY, TritonConnection, admin_key
from ocr_lib.serving.health import HealthServer
from ocr_lib.serving.reconciler import Reconciler
from ocr_lib.serving.repository_store import prepare_repository
from ocr_lib.serving.triton_access import LOOPBACK, ServerTls, check_open_address, parse_address
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.settings import Settings
from ocr_lib.storage.store import Store
from pipelines.cli.command import command, option
from pipelines.cli.options import DAY_S, port, real_number, seconds
from pipelines.cli.server_options import STORE_HELP, model_name
from pipelines.cli.server_options import address as host_and_port

ENVIRONMENT_HELP = f"""\
{STORE_HELP}
The environment also names certificates (OCR_TRITON_SERVER_CERT, OCR_TRITON_SERVER_KEY,
OCR_TRITON_CLIENT_CA) and the management key (OCR_TRITON_ADMIN_KEY or
OCR_TRITON_ADMIN_KEY_FILE), which every call that loads or unloads a model has to carry. Loading a
model is running code: without a key any program on this machine may, and no other machine reaches
the server. Make a key with `{MAKE_ADMIN_KEY}`, and set it for those who deploy, too."""
log = logging.getLogger(__name__)


def port_option(name: str, number: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds the option of one of the ports."""
    return option(f"--{name}-port", type=port, default=number, help="0 takes a free one")


@command("serve", epilog=ENVIRONMENT_HELP)
@option(
    "--model",
    "models",
    type=model_name,
    multiple=True,
    help="serve this model alone; once for each (default: OCR_MODELS, names with commas between "
    "them; else every model in production)",
)
@option("--url", type=host_and_port, help="address of a Triton that runs already; starts none")
@option(
    "--address",
    default=str(LOOPBACK),
    help=f"IP address to listen on: {LOOPBACK} for this machine alone, or 0.0.0.0 for others too, "
    "which takes a management key; with --url, where there is only the health port, it takes none",
)
@port_option("grpc", 8001)
@port_option("http", 8000)
@port_option("metrics", 8002)
@port_option("health", 8003)
@option("--check-seconds", type=seconds, default=5.0, help="how often to look")
@option(
    "--drain-seconds",
    type=real_number(0, DAY_S),
    default=5.0,
    help="at the end, how long to be unready before Triton stops taking requests",
)
def serve(
    models: tuple[str, ...],
    url: str | None,
    address: str,
    health_port: int,
    check_seconds: float,
    drain_seconds: float,
    **ports: int,
) -> None:
    """Run one replica of the server, and keep it at the version in production.

    Starts Triton, or looks after one that runs already (--url): loads every model in production at
    the version that its production.json names, tested with its golden images, and looks again every
    few seconds, so that a replica that was killed or started late comes up with what the others
    serve. A model that comes into production later is loaded too. GET /ready on --health-port
    answers 200 once all of them are served, GET /live while Triton lives. SIGTERM ends it after the
    requests in flight.

    Examples:
      ocr serve                           # for clients on this machine
      OCR_TRITON_ADMIN_KEY_FILE=key ocr serve --address 0.0.0.0 --model receipts --model plates
      ocr serve --url localhost:8001 --address 0.0.0.0   # next to a Triton in its own container
    """
    named = Settings.from_env().models.split(",")
    served = list(models) or [name.strip() for name in named if name.strip()]
    served = [check_model_name(model) for model in served]
    listen_on = parse_address(address)
    if not url:
        check_open_address(listen_on, admin_key())
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    store = Store.from_env()
    with ExitStack() as stack:
        server = None if url else stack.enter_context(_triton(store, address, ports))
        if server is not None:
            _check_own_tls(server.url)
        reconciler = Reconciler(store, server.url if server else str(url), served)
        stack.callback(reconciler.close)
        checks = _checks(reconciler, server, stopped)
        health = stack.enter_context(HealthServer(listen_on, health_port, checks))
        log.info("health on port %d, Triton at %s", health.port, reconciler.url)
        while not stopped.is_set():
            if server is not None and (code := server.poll()) is not None:
                raise ServiceError(f"Triton ended with exit code {code}. Its log is above.")
            reconciler.sync()
            stopped.wait(check_seconds)
        if server is not None:
            CLOCK.sleep(drain_seconds)


def _triton(store: Store, address: str, ports: dict[str, int]) -> TritonServer:
    return TritonServer(
        prepare_repository(store),
        log=None,
        grpc_port=ports["grpc_port"] or None,
        http_port=ports["http_port"] or None,
        metrics_port=ports["metrics_port"] or None,
        address=address,
        tls=ServerTls.from_env(),
        admin_key=admin_key(),
    )


def _check_own_tls(url: str) -> None:
    """Checks that this process, a client of the Triton that it has started, can reach it.

    Raises:
        ServiceError: the client's certificates in the environment do not fit the server's.
    """
    if problem := tls_problem(url, TritonConnection.from_env().tls):
        raise ServiceError(f"this process is a client of its Triton at {url}, too: {problem}")


def _checks(
    reconciler: Reconciler, server: TritonServer | None, stopped: threading.Event
) -> dict[str, Callable[[], tuple[bool, Any]]]:
    def ready() -> tuple[bool, Any]:
        return reconciler.ready and not stopped.is_set(), reconciler.status()

    def live() -> tuple[bool, Any]:
        return server is None or server.poll() is None, "Triton"

    return {"/ready": ready, "/live": live}
