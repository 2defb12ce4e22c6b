"""`ocr rollback`: puts an earlier version back into service."""

import argparse

from ocr_lib.serving.rollout import rollback
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import count
from pipelines.cli.serving.server_options import STORE_HELP, add_model, add_urls, server_urls

DESCRIPTION = f"""\
Put an earlier version of a model back into service on every Triton server.

It is tested with the images that it was deployed with. If anything fails, the version in
production serves on. {STORE_HELP}"""
EXAMPLES = """\
  ocr rollback
  ocr rollback --model receipts --to 3 --url triton-0:8001 --url triton-1:8001"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "--to", type=count, metavar="VERSION", help="default: the one before the one in production"
    )
    add_model(parser)
    add_urls(parser)


def run(args: argparse.Namespace) -> int:
    """Rolls back, and prints what serves."""
    result = rollback(
        args.model, store=Store.from_env(), endpoints=server_urls(args), version=args.to
    )
    echo(f"{args.model} version {result.production.version} serves again")
    return 0
