"""gen_label between object stores: a data set as the user has it → its label list."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from components.step_context import StepContext
from ocr_lib.data.archive import open_source
from ocr_lib.data.labels.convert import convert
from ocr_lib.data.labels.find import Mode
from ocr_lib.data.labels.report import LabelReport, Occurrences
from ocr_lib.data.roles import TRAIN, SplitRule
from ocr_lib.errors import ConfigError
from ocr_lib.markdown import escape
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download_source, upload


@dataclass(frozen=True, slots=True)
class Source:
    """A data set as the user has it, or a part of one.

    Attributes:
        name: names it in the object store, with its role.
        uri: folder, tar or zip; in the object store, or a local path.
        sha256: digest that it must have; empty where none is known.
        role: `train`, `validation` or `test`.
        split: how a validation set is split off it; None for not at all.
    """

    name: str
    uri: str
    sha256: str = ""
    role: str = TRAIN
    split: SplitRule | None = None


def convert_parts(
    context: StepContext,
    parts: Sequence[Mapping[str, Any]],
    split: Mapping[str, Any],
    label_format: str,
    max_bad_fraction: float,
) -> tuple[list[ArtifactRef], str]:
    """Converts the labels of several parts, one after the other.

    Args:
        context: of the step.
        parts: as `components.plan.sources.Part` writes them.
        split: as `SplitRule` writes it; of the parts to learn from.
        label_format: of all parts.
        max_bad_fraction: of each part.

    Returns:
        Where the label lists lie, and the report of all as Markdown.
    """
    pointers, sections, rule = [], [], SplitRule.from_dict(split)
    for number, part in enumerate(parts):
        role = part["role"]
        split_rule = rule if role == TRAIN and rule.share else None
        source = Source(part["name"], part["uri"], part["sha256"], role, split_rule)
        part_context = context.below(f"part-{number:04d}")
        pointer, report = gen_label(part_context, source, label_format, max_bad_fraction)
        shutil.rmtree(part_context.work_dir)  # source and unpacked copy: the next one needs room
        pointers.append(pointer)
        sections.append(labels_markdown({f"{role}: {source.uri}": report}))
    return pointers, "\n".join(sections)


def gen_label(
    context: StepContext,
    source: Source,
    label_format: str = "auto",
    max_bad_fraction: float = 0.01,
) -> tuple[ArtifactRef, LabelReport]:
    """Converts the labels and uploads the list with its report.

    The pointer names the source too, with its digest: the images stay where they are until they
    are packed.

    Raises:
        ConfigError: the format is not one that is known.
    """
    mode = _mode(label_format)
    store, folder = context.store, context.work_dir / source.name
    path, digest = download_source(store, source.uri, source.sha256, folder / "source")
    images = open_source(path, folder / "unpacked")
    report = convert(images, folder / "labels", mode=mode, max_bad_fraction=max_bad_fraction)
    pointer = upload(
        store,
        folder / "labels",
        f"datasets/{source.name}-{source.role}/{{digest}}/labels",
        name=source.name,
        role=source.role,
        split=source.split.to_dict() if source.split else {},
        source_uri=source.uri,
        source_sha256=digest,
        lines=report.lines,
        written=report.written,
        dropped=report.bad,
    )
    return pointer, report


def _mode(label_format: str) -> Mode:
    for mode in get_args(Mode):
        if mode == label_format:
            return cast(Mode, mode)
    known = ", ".join(get_args(Mode))
    raise ConfigError("label_format", f"{label_format!r} is not known", f"Known: {known}")


def labels_markdown(reports: dict[str, LabelReport]) -> str:
    """Returns what was read, changed and dropped as Markdown, a section a data set."""
    return "\n\n".join(_section(name, report) for name, report in reports.items()) + "\n"


def _section(name: str, report: LabelReport) -> str:
    rows = [
        *_rows("dropped", report.dropped),
        *_rows("changed", report.changed),
    ]
    head = ["", "| | reason | lines | first |", "| --- | --- | ---: | --- |"] if rows else []
    text = f"{report.written:,} of {report.lines:,} lines written. Form: {escape(report.form)}."
    return "\n".join([f"## {escape(name)}", "", text, *head, *rows])


def _rows(kind: str, by_reason: dict[str, Occurrences]) -> list[str]:
    return [
        f"| {kind} | {escape(reason)} | {occurrences.count:,} | {_example(occurrences)} |"
        for reason, occurrences in by_reason.items()
    ]


def _example(occurrences: Occurrences) -> str:
    example = occurrences.examples[0]
    return escape(f"{example['where']}: {example['text']}")
