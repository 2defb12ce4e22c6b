"""`ocr pack-lmdb`: a label list and its images → LMDB shards with a manifest."""

import argparse
import os
from pathlib import Path

from ocr_lib.data.lmdb_store import pack, pack_split
from ocr_lib.data.lmdb_store.manifest import MANIFEST, REPORT, Manifest
from ocr_lib.data.lmdb_store.pack import SHARD_SAMPLES
from ocr_lib.data.roles import BLOCK, ROLES, TRAIN, VALIDATION, Split, SplitRule, unfit_split
from ocr_lib.errors import ConfigError
from ocr_lib.terminal import echo, printable
from ocr_lib.text.dictionary import load_dictionary
from pipelines.cli.model.arguments import (
    count,
    fraction,
    input_file,
    input_folder,
    name_or_file,
    output_folder,
    seed,
    separator,
    workers,
)

DESCRIPTION = f"""\
Pack a label list and its images into LMDB shards that PaddleOCR reads as they are. Every image is
decoded and every label checked; bad samples are dropped and named in {REPORT}, and too many
of them fail the packing. {MANIFEST}, written last, makes it a data set.

With --validation-share a validation set is split off: OUT/train and OUT/validation. The side of a
sample follows from its document, else its folder where there are several, else its block of {BLOCK}
labels, and stays when samples are added. A training image that is a validation image too is left
out of the training set.

A packing that was stopped goes on where it was when the same command runs again."""
EXAMPLES = """\
  ocr pack-lmdb build/labels/labels.txt receipts/ data/train
  ocr pack-lmdb labels.txt images/ data/train --dictionary en --use-space-char
  ocr pack-lmdb labels.txt images/ data/train --max-bad-fraction 0.05 --workers 8
  ocr pack-lmdb labels.txt images/ data --validation-share 0.05 --document-pattern '^[^_]+'"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("labels", type=input_file, metavar="LABELS", help="path<TAB>label a line")
    parser.add_argument(
        "images",
        type=input_folder,
        metavar="IMAGE_ROOT",
        help="folder that the paths are relative to",
    )
    parser.add_argument("out", type=output_folder, metavar="OUT", help="folder for the data set")
    parser.add_argument(
        "--dictionary",
        type=name_or_file,
        metavar="NAME",
        help="drop labels with other characters (a file, en, …)",
    )
    parser.add_argument(
        "--use-space-char", action="store_true", help="the dictionary has a space as well"
    )
    parser.add_argument(
        "--max-text-length", type=count, metavar="N", help="drop labels with more characters"
    )
    parser.add_argument(
        "--max-bad-fraction",
        "--max-bad-share",  # its name in 0.1
        type=fraction,
        default=0.01,
        metavar="SHARE",
        help="share of the samples that may be dropped (default 0.01); with more it fails",
    )
    parser.add_argument(
        "--shard-samples",
        type=count,
        default=SHARD_SAMPLES,
        metavar="N",
        help=f"images a shard (default {SHARD_SAMPLES:,})",
    )
    parser.add_argument(
        "--workers",
        type=workers,
        default=len(os.sched_getaffinity(0)),
        metavar="N",
        help="processes (default: one a core)",
    )
    parser.add_argument(
        "--delimiter", type=separator, default="\t", help="between path and label (default: tab)"
    )
    parser.add_argument(
        "--role", choices=ROLES, default="", help="what the data set is for; goes into the manifest"
    )
    parser.add_argument(
        "--validation-share",
        type=fraction,
        default=0.0,
        metavar="SHARE",
        help="share of the documents, folders or blocks to split off for validation (default 0)",
    )
    parser.add_argument(
        "--document-pattern",
        default="",
        metavar="REGEX",
        help="what in an image's path names its document, all of which gets one side",
    )
    parser.add_argument(
        "--split-seed",
        type=seed,
        default=0,
        metavar="N",
        help="another one, another validation set",
    )
    parser.add_argument("--source-digest", default="", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Packs, and prints what was packed and what was dropped."""
    dictionary = None
    if args.dictionary is not None:
        dictionary = load_dictionary(args.dictionary, args.use_space_char, "--dictionary")
    options = {
        "shard_samples": args.shard_samples,
        "workers": args.workers,
        "dictionary": dictionary,
        "max_text_length": args.max_text_length,
        "max_bad_fraction": args.max_bad_fraction,
        "source_digest": args.source_digest,
        "delimiter": args.delimiter,
    }
    sources = args.labels, args.images, args.out
    if args.document_pattern and not args.validation_share:
        cause = "given without --validation-share, which it is for"
        raise ConfigError("--document-pattern", cause, "Add it, or leave this out")
    if not args.validation_share:
        _print(pack(*sources, role=args.role, **options), args.out)
        return 0
    if args.role:
        raise ConfigError("--role", "given with --validation-share", "Leave one of them out")
    rule = SplitRule.from_dict(
        {
            "share": args.validation_share,
            "seed": args.split_seed,
            "document_pattern": args.document_pattern,
        }
    )
    _print_split(*pack_split(*sources, rule, **options), args.out)
    return 0


def _print_split(split: Split, manifests: dict[str, Manifest], out: Path) -> None:
    for role in (TRAIN, VALIDATION):
        if role in manifests:
            _print(manifests[role], out / role)
    excluded = sum(len(manifest.excluded) for manifest in manifests.values())
    echo(f"split   by {split.kind}, {excluded:,} training images left out: in validation too")
    sizes = (manifests[role].samples if role in manifests else 0 for role in (TRAIN, VALIDATION))
    if reason := unfit_split(*sizes):
        echo(f"warning: {reason}. The choice of a checkpoint would be chance")


def _print(manifest: Manifest, out: Path) -> None:
    statistics = manifest.statistics
    echo(f"packed  {manifest.samples:,} samples in {len(manifest.shards)} shards: {out}")
    for reason, dropped in sorted(statistics.dropped.items()):
        echo(f"dropped {dropped.count:,} x {reason}, first: {printable(dropped.examples[0])}")
    text = f"{len(statistics.characters)} different characters"
    echo(f"text    {text}, labels of up to {max(statistics.lengths)} characters")
    echo(f"digest  {manifest.digest}")
