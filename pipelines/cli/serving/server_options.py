"""The arguments that say where models are served, shared by the commands of this folder."""

import argparse

from ocr_lib.registry.production import check_model_name
from ocr_lib.serving.client import DEFAULT_MODEL
from ocr_lib.serving.endpoints import check_url
from ocr_lib.settings import Settings
from pipelines.cli.model.arguments import checked

DEFAULT_URL = "localhost:8001"
URLS = "OCR_TRITON_URL"
STORE_HELP = "OCR_S3_ENDPOINT, OCR_S3_BUCKET and AWS_* name the store."


def add_model(parser: argparse.ArgumentParser) -> None:
    """Declares --model."""
    parser.add_argument(
        "--model",
        type=checked(check_model_name),
        default=DEFAULT_MODEL,
        help=f"name of the model (default {DEFAULT_MODEL})",
    )


def add_urls(parser: argparse.ArgumentParser) -> None:
    """Declares --url for commands that change every server."""
    parser.add_argument(
        "--url",
        type=checked(check_url),
        action="append",
        help="host:port of a Triton's gRPC protocol, once for each server, or a name that stands "
        "for all of them, as a headless Service's does "
        f"(default OCR_TRITON_URL, else {DEFAULT_URL})",
    )


def server_urls(args: argparse.Namespace) -> list[str]:
    """Returns the addresses that were named, or the default one."""
    return args.url or default_urls()


def default_urls() -> list[str]:
    """Returns the servers of a command that names none.

    Raises:
        ConfigError: the environment's are not `host:port`.
    """
    urls = Settings.from_env().triton_urls
    return [check_url(url, URLS) for url in urls.split(",")] if urls else [DEFAULT_URL]
