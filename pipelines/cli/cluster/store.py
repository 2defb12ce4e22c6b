"""`ocr store`: keys, rights and bucket of the object store."""

import argparse
import json
import sys

from ocr_lib.errors import ConfigError
from ocr_lib.settings import Settings
from ocr_lib.storage.access_policy import ACCESS, policy
from ocr_lib.storage.secrets import KINDS, in_namespaces, new_secrets
from ocr_lib.storage.store import Store, check_bucket
from ocr_lib.terminal import echo
from pipelines.cli.cluster.namespaces import namespace
from pipelines.cli.model.arguments import checked, input_folder
from pipelines.cli.serving.server_options import STORE_HELP

DESCRIPTION = f"""\
Make an object store ready for the pipeline: a bucket, and for each kind of step a key that opens
only what those steps use.

secrets   Kubernetes Secrets with new random keys, for `kubectl create`; written nowhere else. All
          namespaces that share the store have to be named at once: each call makes other keys
policy    what one kind of step may do, as a policy document for AWS or MinIO
setup     create the bucket and the model repository; with --minio-keys users and policies as well
{STORE_HELP}"""
EXAMPLES = """\
  ocr store secrets --namespace ocr-dev --steps-namespace kubeflow | kubectl create -f -
  ocr store secrets --kind minio --namespace ocr-dev | kubectl create -f -
  ocr store secrets --kind external --namespace ocr-prod | kubectl create -f -
  ocr store policy train --bucket ocr
  ocr store setup"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = actions.add_parser("secrets", help="new keys, as Kubernetes Secrets")
    made.add_argument("--kind", choices=KINDS, default="seaweedfs", help="which store")
    made.add_argument(
        "--namespace", type=namespace, help="of the servers and the store; gets all Secrets"
    )
    made.add_argument(
        "--steps-namespace",
        type=namespace,
        action="append",
        default=[],
        metavar="NAMESPACE",
        help="where Kubeflow runs the steps, if that is another one; gets the steps' Secrets, with "
        "the same keys; may be repeated",
    )
    shown = actions.add_parser("policy", help="what a kind of step may do")
    shown.add_argument("stage", choices=list(ACCESS), help="which kind of step")
    for action in (made, shown):
        action.add_argument(
            "--bucket", type=checked(check_bucket), default=Settings.from_env().s3_bucket or "ocr"
        )
    setup = actions.add_parser("setup", help="create the bucket and the model repository")
    setup.add_argument(
        "--minio-keys",
        type=input_folder,
        metavar="FOLDER",
        help="give out the keys in FOLDER/<kind of step>/accesskey and secretkey on a MinIO server",
    )


def run(args: argparse.Namespace) -> int:
    """Does one of the three."""
    if args.action == "secrets":
        return _secrets(args)
    if args.action == "policy":
        echo(json.dumps(policy(args.stage, args.bucket), indent=2))
        return 0
    return _setup(args)


def _secrets(args: argparse.Namespace) -> int:
    if sys.stdout.isatty():
        raise ConfigError(
            "standard output", "is a terminal", "Pipe the keys on: … | kubectl create -f -"
        )
    if args.steps_namespace and not args.namespace:
        cause = "needs --namespace, the namespace of the servers and the store"
        raise ConfigError("--steps-namespace", cause, "Name both: they get the same keys")
    if len({args.namespace, *args.steps_namespace}) <= len(args.steps_namespace):
        raise ConfigError("--steps-namespace", "a namespace is named twice", "Name each once")
    items = new_secrets(args.kind, args.bucket)
    if args.namespace:
        items = in_namespaces(items, args.namespace, args.steps_namespace)
    echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return 0


def _setup(args: argparse.Namespace) -> int:
    from ocr_lib.serving.repository_store import prepare_bucket
    from ocr_lib.storage.setup import read_keys, set_up_minio

    store = Store.from_env()
    echo(f"{prepare_bucket(store)} is ready")
    if args.minio_keys:
        keys = read_keys(args.minio_keys)
        set_up_minio(store, keys)
        echo(f"keys given out: {', '.join(keys)}")
    return 0
