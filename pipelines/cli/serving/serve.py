"""`ocr serve`: one replica that serves what is in production."""

import argparse
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from ocr_lib.errors import ServiceError
from ocr_lib.registry.production import check_model_name
from ocr_lib.serving.connection import MAKE_ADMIN_KEY, admin_key
from ocr_lib.serving.endpoints import check_url
from ocr_lib.serving.health import HealthServer
from ocr_lib.serving.reconciler import Reconciler
from ocr_lib.serving.repository_store import prepare_repository
from ocr_lib.serving.triton_access import (
    LOOPBACK,
    ServerTls,
    check_open_address,
    parse_address,
)
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.settings import Settings
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import DAY_S, checked, port, real_number, seconds
from pipelines.cli.serving.server_options import STORE_HELP

DESCRIPTION = f"""\
Run one replica of the server, and keep it at the version in production.

Starts Triton, or looks after one that runs already (--url): loads every model in production at the
version that its production.json names, tested with its golden images, and looks again every few
seconds, so that a replica that was killed or started late comes up with what the others serve. A
model that comes into production later is loaded too. GET /ready on --health-port answers 200 once
all of them are served, GET /live while Triton lives. SIGTERM ends it after the requests in flight.
{STORE_HELP}
The environment also names certificates (OCR_TRITON_SERVER_CERT, OCR_TRITON_SERVER_KEY,
OCR_TRITON_CLIENT_CA) and the management key (OCR_TRITON_ADMIN_KEY or
OCR_TRITON_ADMIN_KEY_FILE), which every call that loads or unloads a model has to carry. Loading a
model is running code: without a key any program on this machine may, and no other machine reaches
the server. Make a key with `{MAKE_ADMIN_KEY}`, and set it for those who deploy, too."""
EXAMPLES = """\
  ocr serve                           # for clients on this machine
  OCR_TRITON_ADMIN_KEY_FILE=key ocr serve --address 0.0.0.0 --model receipts --model plates
  ocr serve --url localhost:8001 --address 0.0.0.0   # next to a Triton in a container of its own"""

DRAIN_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "--model",
        type=checked(check_model_name),
        action="append",
        help="serve this model alone; once for each (default OCR_MODELS, names with commas "
        "between them; else every model in production)",
    )
    parser.add_argument(
        "--url",
        type=checked(check_url),
        help="host:port of a Triton that runs already; starts none",
    )
    parser.add_argument(
        "--address",
        default=str(LOOPBACK),
        help=f"IP address to listen on: {LOOPBACK}, the default, for this machine alone, or "
        "0.0.0.0 for others too, which takes a management key; with --url, where there is only "
        "the health port, it takes none",
    )
    for name, number in (("grpc", 8001), ("http", 8000), ("metrics", 8002), ("health", 8003)):
        parser.add_argument(
            f"--{name}-port",
            type=port,
            default=number,
            help=f"(default {number}; 0 takes a free one)",
        )
    parser.add_argument(
        "--check-seconds", type=seconds, default=5.0, help="how often to look (default 5)"
    )
    parser.add_argument(
        "--drain-seconds",
        type=real_number(0, DAY_S),
        default=DRAIN_S,
        help="at the end, how long to be unready before Triton stops taking requests (default 5)",
    )


def run(args: argparse.Namespace) -> int:
    """Serves until it is told to stop, or Triton ends."""
    named = Settings.from_env().models.split(",")
    models = args.model or [name.strip() for name in named if name.strip()]
    models = [check_model_name(model) for model in models]
    address = parse_address(args.address)
    if not args.url:
        check_open_address(address, admin_key())
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    store = Store.from_env()
    with ExitStack() as stack:
        server = None if args.url else stack.enter_context(_triton(store, args))
        keeper = Reconciler(store, check_url(args.url) if args.url else _own(server), models)
        stack.callback(keeper.close)
        checks = _checks(keeper, server, stopped)
        health = stack.enter_context(HealthServer(address, args.health_port, checks))
        echo(f"health on port {health.port}, Triton at {keeper.url}", flush=True)
        while not stopped.is_set():
            if server is not None and (code := server.poll()) is not None:
                raise ServiceError(f"Triton ended with exit code {code}. Its log is above.")
            keeper.sync()
            stopped.wait(args.check_seconds)
        if server is not None:
            threading.Event().wait(args.drain_seconds)
    return 0


def _triton(store: Store, args: argparse.Namespace) -> TritonServer:
    return TritonServer(
        prepare_repository(store),
        log=None,
        grpc_port=args.grpc_port or None,
        http_port=args.http_port or None,
        metrics_port=args.metrics_port or None,
        address=args.address,
        tls=ServerTls.from_env(),
        admin_key=admin_key(),
    )


def _own(server: TritonServer | None) -> str:
    assert server is not None
    return server.url


def _checks(
    keeper: Reconciler, server: TritonServer | None, stopped: threading.Event
) -> dict[str, Callable[[], tuple[bool, Any]]]:
    def ready() -> tuple[bool, Any]:
        return keeper.ready and not stopped.is_set(), keeper.status()

    def live() -> tuple[bool, Any]:
        return server is None or server.poll() is None, "Triton"

    return {"/ready": ready, "/live": live}
