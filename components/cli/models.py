"""`ocr models`: which versions there are, and which one serves."""

import argparse
import json
import sys
from dataclasses import asdict

from components.cli.servers import STORE_HELP, add_model
from components.deploy.production import (
    check_model_name,
    find_version,
    list_versions,
    read_production,
)
from components.shared.store import Store
from ocr_lib.errors import ConfigError

DESCRIPTION = f"""\
List the versions of a model, the one in production marked, or show one of them.
{STORE_HELP}"""
EXAMPLES = """\
  ocr models
  ocr models --model receipts --show 3"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_model(parser)
    parser.add_argument("--show", type=int, metavar="VERSION", help="all that is known of one")


def run(args: argparse.Namespace) -> int:
    """Prints the list, or one version as JSON."""
    store, model = Store.from_env(), check_model_name(args.model)
    if args.show is not None:
        record = asdict(find_version(store, model, args.show))
        sys.stdout.write(json.dumps(record, ensure_ascii=False, indent=2) + "\n")
        return 0
    versions = list_versions(store, model)
    if not versions:
        raise ConfigError("--model", f"there is no version of {model}", "Deploy one")
    production = read_production(store, model)
    for version in versions:
        mark = "*" if production and production.version == version.version else " "
        row = (f"{mark} {version.version:4d}", version.time, version.digest[:12], version.bundle)
        sys.stdout.write("  ".join(row) + "\n")
    return 0
