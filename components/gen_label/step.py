"""gen_label between object stores: a data set as the user has it → its label list."""

import shutil

from components.step_context import StepContext
from ocr_lib.data.archive import open_source
from ocr_lib.data.labels.convert import convert
from ocr_lib.data.labels.report import LabelReport, Occurrences
from ocr_lib.data.roles import TRAIN
from ocr_lib.markdown import escape
from ocr_lib.runspec.partition import DataPart, DataPartition
from ocr_lib.runspec.sources import check_listing
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download_source, upload


def gen_label(context: StepContext, partition: DataPartition) -> tuple[list[ArtifactRef], str]:
    """Converts the labels of several parts, one after the other, and uploads the lists.

    A reference names the source too, with its digest: the images stay where they are until they
    are packed.

    Args:
        context: of the step.
        partition: what to convert.

    Returns:
        Where the label lists are, and the report of all as Markdown.

    Raises:
        DataError: a source was changed since the run was planned.
    """
    refs, sections = [], []
    for number, part in enumerate(partition.parts):
        part_context = context.below(f"part-{number:04d}")
        ref, report = convert_part(part_context, partition, part)
        shutil.rmtree(part_context.work_dir)  # source and unpacked copy: the next one needs room
        refs.append(ref)
        sections.append(labels_markdown({f"{part.role}: {part.source.uri}": report}))
    return refs, "\n".join(sections)


def convert_part(
    context: StepContext, partition: DataPartition, part: DataPart
) -> tuple[ArtifactRef, LabelReport]:
    """Converts the labels of one part and uploads the list with its report; see `gen_label`."""
    name, source, split = partition.dataset_name, part.source, partition.split
    store, folder = context.store, context.work_dir / name
    check_listing(store, source)
    sha256 = source.digest if source.of == "content" else ""
    path, digest = download_source(store, source.uri, sha256, folder / "source")
    images = open_source(path, folder / "unpacked")
    report = convert(
        images,
        folder / "labels",
        mode=partition.label_format,
        max_bad_fraction=partition.max_bad_fraction,
    )
    is_split = part.role == TRAIN and split.share > 0
    ref = upload(
        store,
        folder / "labels",
        f"datasets/{name}-{part.role}/{{digest}}/labels",
        name=name,
        role=part.role,
        split=split.to_dict() if is_split else {},
        source_uri=source.uri,
        source_sha256=digest,
        lines=report.lines,
        written=report.written,
        dropped=report.bad,
    )
    return ref, report


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
    warning = ["", f"**Warning:** {escape(report.warning)}."] if report.warning else []
    return "\n".join([f"## {escape(name)}", "", text, *warning, *head, *rows])


def _rows(kind: str, by_reason: dict[str, Occurrences]) -> list[str]:
    return [
        f"| {kind} | {escape(reason)} | {occurrences.count:,} | {_example(occurrences)} |"
        for reason, occurrences in by_reason.items()
    ]


def _example(occurrences: Occurrences) -> str:
    example = occurrences.examples[0]
    return escape(f"{example['where']}: {example['text']}")
