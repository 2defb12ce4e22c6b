"""`ocr deploy`: puts an exported model into service."""

import argparse
import tempfile
from pathlib import Path

from ocr_lib.data.base import read_file
from ocr_lib.errors import ConfigError, naming
from ocr_lib.registry.golden_images import golden_images
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.serving.replay_evaluation import ReplayEvaluation
from ocr_lib.serving.rollout import LEASE_WAIT_S, deploy
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo, printable
from pipelines.cli.model.arguments import (
    DAY_S,
    fraction,
    input_folder,
    input_path,
    real_number,
    text,
)
from pipelines.cli.model.image_files import find_images
from pipelines.cli.serving.server_options import STORE_HELP, add_model, add_urls, server_urls

DESCRIPTION = f"""\
Put an exported model into service on every Triton server.

It is loaded beside the version in production first, and has to read the images given exactly as
the exported model does. If it does not, or any server fails, the former version serves on. A
bundle replaces the version that its evaluation compared it with; --force replaces any.
{STORE_HELP}"""
EXAMPLES = """\
  ocr deploy build/bundle golden-images/
  ocr deploy s3://ocr/registry/receipts/4f1c bundle.png --model receipts --url triton-0:8001 \\
      --url triton-1:8001"""

MAX_IMAGES = 64
MAX_SHADOW_LINES = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "bundle", type=folder_or_uri, help="directory of the exported model, here or in the store"
    )
    parser.add_argument(
        "images",
        type=input_path,
        nargs="+",
        help=f"lines it has to read, files or folders; the first {MAX_IMAGES} are taken",
    )
    parser.add_argument(
        "--shadow-percent",
        type=real_number(0, 100),
        default=0.0,
        help="also compare with the version in production on this share of the lines that "
        "`ocr query --keep-below` kept, before anything changes (default 0)",
    )
    parser.add_argument(
        "--shadow-max-changed",
        type=fraction,
        default=0.1,
        help="the largest share of those that may be read otherwise, 0 to 1 (default 0.1)",
    )
    parser.add_argument(
        "--wait-seconds",
        type=real_number(0, DAY_S),
        default=LEASE_WAIT_S,
        help="how long to wait while another deployment of the model runs (default 90)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="also replace a version that the bundle was not judged against: a model exported by "
        "hand, or an older bundle after a rollback",
    )
    add_model(parser)
    add_urls(parser)


def folder_or_uri(value: str) -> str:
    """Accepts a folder that exists here, or any address in the store."""
    return text(value) if "://" in value else str(input_folder(value))


def run(args: argparse.Namespace) -> int:
    """Deploys, and prints what the servers read."""
    store = Store.from_env()
    images = {str(path): read_file(str(path)) for path in find_images(args.images)[:MAX_IMAGES]}
    with tempfile.TemporaryDirectory() as work, naming(Path(work) / "bundle", args.bundle):
        bundle = store.fetch_source(args.bundle, Path(work) / "bundle")
        if not bundle.is_dir():
            raise ConfigError("bundle", f"{args.bundle} is no directory", "Name an export's output")
        result = deploy(
            args.bundle,
            args.model,
            golden_images(bundle, images),
            store=store,
            endpoints=server_urls(args),
            shadow=_shadow(store, args),
            wait_s=args.wait_seconds,
            force=args.force,
        )
    for answer in result.answers:
        found = answer.recognition
        echo(f"{printable(answer.golden.name)}\t{printable(found.text)}\t{found.score:.4f}")
    if result.shadow:
        echo(f"{result.shadow}")
    former = result.production.predecessor
    before = f"version {former} before it" if former else "the first one"
    echo(f"{args.model} version {result.production.version} serves, {before}")
    return 0


def _shadow(store: Store, args: argparse.Namespace) -> ReplayEvaluation | None:
    if not args.shadow_percent:
        return None
    lines = FeedbackStore(store, args.model).sample(args.shadow_percent / 100, MAX_SHADOW_LINES)
    if not lines:
        cause = f"no line of {args.model} was kept"
        raise ConfigError("--shadow-percent", cause, "Read with `ocr query --keep-below` first")
    return ReplayEvaluation(lines, args.shadow_max_changed)
