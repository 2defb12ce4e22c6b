"""`ocr store`: keys, rights and bucket of the object store."""

import argparse
import json
import os
import sys
from pathlib import Path

from components.cli.servers import STORE_HELP
from components.shared.access import ACCESS, policy
from components.shared.store import Store
from components.shared.store_secrets import KINDS, new_secrets
from ocr_lib.errors import ConfigError

DESCRIPTION = f"""\
Make an object store ready for the pipeline: a bucket, and for each kind of step a key that opens
only what those steps use.

secrets   Kubernetes Secrets with new random keys, for `kubectl create`; written nowhere else
policy    what one kind of step may do, as a policy document for AWS or MinIO
setup     create the bucket and the model repository; with --minio-keys users and policies as well
{STORE_HELP}"""
EXAMPLES = """\
  ocr store secrets --kind seaweedfs | kubectl -n ocr create -f -
  ocr store policy train --bucket ocr
  ocr store setup"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = actions.add_parser("secrets", help="new keys, as Kubernetes Secrets")
    made.add_argument("--kind", choices=KINDS, default="seaweedfs", help="which store")
    shown = actions.add_parser("policy", help="what a kind of step may do")
    shown.add_argument("stage", choices=list(ACCESS), help="which kind of step")
    for action in (made, shown):
        action.add_argument("--bucket", default=os.environ.get("OCR_S3_BUCKET") or "ocr")
    setup = actions.add_parser("setup", help="create the bucket and the model repository")
    setup.add_argument(
        "--minio-keys",
        type=Path,
        metavar="FOLDER",
        help="give out the keys in FOLDER/<kind of step>/accesskey and secretkey on a MinIO server",
    )


def run(args: argparse.Namespace) -> int:
    """Does one of the three."""
    if args.action == "secrets":
        return _secrets(args)
    if args.action == "policy":
        sys.stdout.write(json.dumps(policy(args.stage, args.bucket), indent=2) + "\n")
        return 0
    return _setup(args)


def _secrets(args: argparse.Namespace) -> int:
    if sys.stdout.isatty():
        raise ConfigError(
            "standard output", "is a terminal", "Pipe the keys on: … | kubectl -n ocr create -f -"
        )
    items = new_secrets(args.kind, args.bucket)
    sys.stdout.write(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}) + "\n")
    return 0


def _setup(args: argparse.Namespace) -> int:
    from components.deploy.published import prepare_bucket
    from components.shared.store_setup import read_keys, set_up_minio

    store = Store.from_env()
    sys.stdout.write(f"{prepare_bucket(store)} is ready\n")
    if args.minio_keys:
        keys = read_keys(args.minio_keys)
        set_up_minio(store, keys)
        sys.stdout.write(f"keys given out: {', '.join(keys)}\n")
    return 0
