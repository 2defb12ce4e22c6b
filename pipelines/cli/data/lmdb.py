"""`ocr pack-lmdb` and `ocr fsck`: LMDB shards with a manifest, from a label list and its images."""

import os
from pathlib import Path
from typing import Any

import click

from ocr_lib.data.lmdb_store import pack, pack_split, verify
from ocr_lib.data.lmdb_store.manifest import Manifest
from ocr_lib.data.lmdb_store.pack import SHARD_SAMPLES
from ocr_lib.data.roles import ROLES, TRAIN, VALIDATION, Split, SplitRule, unfit_split
from ocr_lib.errors import ConfigError, LmdbError
from ocr_lib.terminal import echo, printable
from ocr_lib.text.dictionary import load_dictionary
from pipelines.cli.command import command, option
from pipelines.cli.options import (
    count,
    fraction,
    input_file,
    input_folder,
    max_bad_fraction,
    name_or_file,
    output_folder,
    seed,
    separator,
    workers,
)


@command("pack-lmdb")
@click.argument("labels", type=input_file, help="path<TAB>label a line")
@click.argument(
    "images", type=input_folder, metavar="IMAGE_ROOT", help="folder that the paths are relative to"
)
@click.argument("out", type=output_folder, help="folder for the data set")
@option(
    "--dictionary",
    type=name_or_file,
    metavar="NAME",
    help="drop labels with other characters (a file, en, …)",
)
@option("--use-space-char", is_flag=True, help="the dictionary has a space as well")
@option("--max-text-length", type=count, help="drop labels with more characters")
@max_bad_fraction("fraction of the samples that may be dropped; with more it fails")
@option("--shard-samples", type=count, default=SHARD_SAMPLES, help="images a shard")
@option(
    "--workers",
    type=workers,
    default=len(os.sched_getaffinity(0)),
    show_default="one a core",
    help="processes",
)
@option(
    "--delimiter", type=separator, default="\t", show_default="tab", help="between path and label"
)
@option("--role", type=click.Choice(ROLES), help="what the data set is for; goes into the manifest")
@option(
    "--validation-share",
    type=fraction,
    default=0.0,
    help="share of the documents, folders or blocks to split off for validation",
)
@option(
    "--document-pattern",
    default="",
    show_default=False,
    metavar="REGEX",
    help="what in an image's path names its document, all of which gets one side",
)
@option("--split-seed", type=seed, default=0, help="another one, another validation set")
@option("--source-digest", default="", hidden=True)
def pack_lmdb(
    labels: Path,
    images: Path,
    out: Path,
    dictionary: str | None,
    use_space_char: bool,
    role: str | None,
    validation_share: float,
    document_pattern: str,
    split_seed: int,
    **options: Any,
) -> None:
    """Pack a label list and its images into LMDB shards that PaddleOCR reads as they are.

    Every image is decoded and every label checked; bad samples are dropped and named in
    report.json, and too many of them fail the packing. manifest.json, written last, makes it a
    data set.

    With --validation-share a validation set is split off: OUT/train and OUT/validation. The side
    of a sample follows from its document, else its folder where there are several, else its block
    of 64 labels, and stays when samples are added. A training image that is a validation image too
    is left out of the training set.

    A packing that was stopped goes on where it was when the same command runs again.

    Examples:
      ocr pack-lmdb build/labels/labels.txt receipts/ data/train
      ocr pack-lmdb labels.txt images/ data/train --dictionary en --use-space-char
      ocr pack-lmdb labels.txt images/ data/train --max-bad-fraction 0.05 --workers 8
      ocr pack-lmdb labels.txt images/ data --validation-share 0.05 --document-pattern '^[^_]+'
    """
    options["dictionary"] = None
    if dictionary is not None:
        options["dictionary"] = load_dictionary(dictionary, use_space_char, "--dictionary")
    if document_pattern and not validation_share:
        cause = "given without --validation-share, which it is for"
        raise ConfigError("--document-pattern", cause, "Add it, or leave this out")
    if not validation_share:
        _print(pack(labels, images, out, role=role or "", **options), out)
        return
    if role:
        raise ConfigError("--role", "given with --validation-share", "Leave one of them out")
    rule = _split_rule(share=validation_share, seed=split_seed, document_pattern=document_pattern)
    _print_split(*pack_split(labels, images, out, rule, **options), out)


@command("fsck")
@click.argument(
    "folder",
    type=input_folder,
    metavar="DIR",
    help="a folder of `ocr pack-lmdb`, or an LMDB of another tool",
)
def fsck(folder: Path) -> None:
    """Check a packed data set against its manifest, or an LMDB of another tool by itself.

    Lengths and checksums of its files are compared and, where a file was changed, which samples
    are damaged. Of another tool's LMDB every record is read.

    Examples:
      ocr fsck data/train
    """
    report = verify(folder)
    for problem in report.problems:
        echo(printable(problem))
    if report.problems:
        cause = f"{len(report.problems)} problems"
        raise LmdbError(str(folder), cause, "Fetch or pack the data set again")
    echo(f"{folder}: {report.samples:,} samples in {report.shards} shards, all as packed")


def _split_rule(**values: float | str) -> SplitRule:
    """Returns the rule; its errors name the option."""
    options = {"share": "--validation-share", "seed": "--split-seed"}
    try:
        return SplitRule.from_dict(values)
    except ConfigError as error:
        key = error.where.rpartition(".")[2]
        name = options.get(key, "--document-pattern")
        raise ConfigError(name, error.cause, error.fix) from None


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
