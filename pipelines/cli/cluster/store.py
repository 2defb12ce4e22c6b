"""`ocr store`: keys, rights and bucket of the object store."""

import json
import sys
from pathlib import Path

import click

from ocr_lib.errors import ConfigError
from ocr_lib.settings import Settings
from ocr_lib.storage.access_policy import ACCESS, policy
from ocr_lib.storage.secrets import KINDS, in_namespaces, new_secrets
from ocr_lib.storage.store import Store, check_bucket
from ocr_lib.terminal import echo
from pipelines.cli.command import group, option
from pipelines.cli.options import Checked, input_folder, namespace
from pipelines.cli.server_options import STORE_HELP

with_bucket = option(
    "--bucket",
    type=Checked("bucket", check_bucket),
    default=lambda: Settings.from_env().s3_bucket or "ocr",
    show_default="OCR_S3_BUCKET, else ocr",
    help="the store's bucket",
)


@group("store", epilog=STORE_HELP)
def store() -> None:
    """Make an object store ready for the pipeline.

    It needs a bucket, and for each kind of step a key that opens only what those steps use.

    Examples:
      ocr store secrets --namespace ocr-dev --steps-namespace kubeflow | kubectl create -f -
      ocr store secrets --kind minio --namespace ocr-dev | kubectl create -f -
      ocr store secrets --kind external --namespace ocr-prod | kubectl create -f -
      ocr store policy train --bucket ocr
      ocr store setup
    """


@store.command("secrets", short_help="print new keys, as Kubernetes Secrets")
@option(
    "--kind", "which", type=click.Choice(KINDS), default="seaweedfs", help="which kind of store"
)
@option("--namespace", type=namespace, help="of the servers and the store; gets all Secrets")
@option(
    "--steps-namespace",
    "steps_namespaces",
    type=namespace,
    multiple=True,
    help="where Kubeflow runs the steps, if that is another one; gets the steps' Secrets, with the "
    "same keys; may be repeated",
)
@with_bucket
def secrets(
    which: str, namespace: str | None, steps_namespaces: tuple[str, ...], bucket: str
) -> None:
    """Print Kubernetes Secrets with new random keys, for `kubectl create`.

    They are written nowhere else. All namespaces that share the store have to be named at once:
    each call makes other keys.
    """
    if sys.stdout.isatty():
        fix = "Pipe the keys on: … | kubectl create -f -"
        raise ConfigError("standard output", "is a terminal", fix)
    if steps_namespaces and not namespace:
        cause = "needs --namespace, the namespace of the servers and the store"
        raise ConfigError("--steps-namespace", cause, "Name both: they get the same keys")
    if len({namespace, *steps_namespaces}) <= len(steps_namespaces):
        raise ConfigError("--steps-namespace", "a namespace is named twice", "Name each once")
    items = new_secrets(which, bucket)
    if namespace:
        items = in_namespaces(items, namespace, list(steps_namespaces))
    echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


@store.command("policy")
@click.argument("stage", type=click.Choice(list(ACCESS)), help="which kind of step")
@with_bucket
def show_policy(stage: str, bucket: str) -> None:
    """Print what one kind of step may do, as a policy document for AWS or MinIO."""
    echo(json.dumps(policy(stage, bucket), indent=2))


@store.command("setup", short_help="create the bucket and the model repository")
@option(
    "--minio-keys",
    type=input_folder,
    help="give out the keys in FOLDER/<kind of step>/accesskey and secretkey on a MinIO server",
)
def setup(minio_keys: Path | None) -> None:
    """Create the bucket and the model repository; with --minio-keys users and policies as well."""
    from ocr_lib.serving.repository_store import prepare_bucket
    from ocr_lib.storage.setup import read_keys, set_up_minio

    store = Store.from_env()
    echo(f"{prepare_bucket(store)} is ready")
    if minio_keys:
        keys = read_keys(minio_keys)
        set_up_minio(store, keys)
        echo(f"keys given out: {', '.join(keys)}")
