"""`ocr deploy` and `ocr rollback`: put an exported model, or an earlier version, into service."""

import tempfile
from pathlib import Path

import click

from ocr_lib.data.base import read_file
from ocr_lib.errors import ConfigError, naming
from ocr_lib.registry.golden_images import golden_images
from ocr_lib.registry.pointer import LEASE_WAIT_S
from ocr_lib.serving import rollout
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.serving.replay_evaluation import ReplayEvaluation
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo, printable
from pipelines.cli.command import command, option
from pipelines.cli.model.image_files import find_images
from pipelines.cli.options import (
    DAY_S,
    count,
    fraction,
    images_argument,
    input_folder,
    kind,
    real_number,
    text,
)
from pipelines.cli.server_options import STORE_HELP, server_urls, with_model, with_urls

MAX_IMAGES = 64
MAX_SHADOW_LINES = 1000
MAX_REASON = 500


@kind("folder|uri", "dir")
def folder_or_uri(value: str) -> str:
    """Accepts a folder that exists here, or any address in the store."""
    return text(value) if "://" in value else str(input_folder(value))


@command("deploy", epilog=STORE_HELP)
@click.argument(
    "bundle", type=folder_or_uri, help="directory of the exported model, here or in the store"
)
@images_argument(f"lines it has to read, files or folders; the first {MAX_IMAGES} are taken")
@option(
    "--shadow-percent",
    type=real_number(0, 100),
    default=0.0,
    help="also compare with the version in production on this share of the lines that "
    "`ocr query --keep-below` kept, before anything changes",
)
@option(
    "--shadow-max-changed",
    type=fraction,
    default=0.1,
    help="the largest share of those that may be read otherwise, 0 to 1",
)
@option(
    "--wait-seconds",
    type=real_number(0, DAY_S),
    default=LEASE_WAIT_S,
    help="how long to wait while another deployment of the model runs",
)
@option(
    "--force",
    is_flag=True,
    help="deploy it also without a certificate or a gate that passed it, whatever it was judged "
    "against: a model exported by hand, or an older bundle after a rollback; with --reason",
)
@option(
    "--reason",
    type=text,
    help=f"why, with --force; `ocr models show` tells it (at most {MAX_REASON} characters)",
)
@with_model
@with_urls
def deploy(
    bundle: str,
    images: tuple[Path, ...],
    shadow_percent: float,
    shadow_max_changed: float,
    wait_seconds: float,
    force: bool,
    reason: str | None,
    model: str,
    urls: tuple[str, ...],
) -> None:
    r"""Put an exported model into service on every Triton server.

    It is loaded beside the version in production first, and has to read the images given exactly as
    the exported model does. If it does not, or any server fails, the former version serves on. A
    bundle needs a certificate and a gate that passed it, and replaces the version that its
    evaluation compared it with; with --force and --reason it needs neither and replaces any.

    Examples:
      ocr deploy build/bundle golden-images/ --force --reason "the first one, exported by hand"
      ocr deploy s3://ocr/registry/receipts/4f1c bundle.png --model receipts --url triton-0:8001 \
          --url triton-1:8001
    """
    check_reason(force, reason or "")
    store = Store.from_env()
    lines = {str(path): read_file(str(path)) for path in find_images(images)[:MAX_IMAGES]}
    with tempfile.TemporaryDirectory() as work, naming(Path(work) / "bundle", bundle):
        fetched = store.fetch_source(bundle, Path(work) / "bundle")
        if not fetched.is_dir():
            raise ConfigError("BUNDLE", f"{bundle} is no directory", "Name an export's output")
        result = rollout.deploy(
            bundle,
            model,
            golden_images(fetched, lines),
            store=store,
            endpoints=server_urls(urls),
            shadow=_shadow(store, model, shadow_percent, shadow_max_changed),
            wait_s=wait_seconds,
            force=reason or "",
        )
    for answer in result.answers:
        recognition = answer.recognition
        echo(
            f"{printable(answer.golden.name)}\t{printable(recognition.text)}\t{recognition.score:.4f}"
        )
    if result.shadow:
        echo(f"{result.shadow}")
    for note in result.notes:
        echo(note, err=True)
    former = result.production.predecessor
    before = f"version {former} before it" if former else "the first one"
    echo(f"{model} version {result.production.version} serves, {before}")


def check_reason(force: bool, reason: str) -> None:
    """Checks that a deployment by force has a reason, and no other has one.

    Raises:
        ConfigError: one is given without the other, or the reason is too long.
    """
    if force and not reason.strip():
        fix = 'Say why, as --reason "exported by hand": it stays with the version'
        raise ConfigError("--force", "given without --reason", fix)
    if reason and not force:
        raise ConfigError("--reason", "given without --force", "Give both, or leave it out")
    if len(reason) > MAX_REASON:
        cause = f"{len(reason):,} characters"
        raise ConfigError("--reason", cause, f"Use at most {MAX_REASON}")


def _shadow(
    store: Store, model: str, percent: float, max_changed: float
) -> ReplayEvaluation | None:
    if not percent:
        return None
    lines = FeedbackStore(store, model).sample(percent / 100, MAX_SHADOW_LINES)
    if not lines:
        cause = f"no line of {model} was kept"
        raise ConfigError("--shadow-percent", cause, "Read with `ocr query --keep-below` first")
    return ReplayEvaluation(lines, max_changed)


@command("rollback", epilog=STORE_HELP)
@option(
    "--to",
    "version",
    type=count,
    metavar="VERSION",
    help="default: the one before the one in production",
)
@with_model
@with_urls
def rollback(version: int | None, model: str, urls: tuple[str, ...]) -> None:
    """Put an earlier version of a model back into service on every Triton server.

    It is tested with the images that it was deployed with. If anything fails, the version in
    production serves on.

    Examples:
      ocr rollback
      ocr rollback --model receipts --to 3 --url triton-0:8001 --url triton-1:8001
    """
    store, endpoints = Store.from_env(), server_urls(urls)
    result = rollout.rollback(model, store=store, endpoints=endpoints, version=version)
    echo(f"{model} version {result.production.version} serves again")
