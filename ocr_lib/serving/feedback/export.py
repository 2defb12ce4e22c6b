"""Kept lines as a folder that people label and the pipeline trains on.

| file | what |
| --- | --- |
| images/ | the images |
| labels.txt | `path<TAB>truth`, the lines that a person has corrected: a label list as it is |
| to_label.txt | `path<TAB>` and nothing after the tab: the others, to be filled in |
| lines.json | path → what the model read, how sure, which version, when |
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocr_lib.atomic import atomic_directory, write_json, write_text
from ocr_lib.data.label_list import read_label_list
from ocr_lib.errors import DataError, LabelError
from ocr_lib.serving.feedback.samples import FeedbackSample, FeedbackStore

LABELS, TO_LABEL, LINES, IMAGES = "labels.txt", "to_label.txt", "lines.json", "images"
_SUFFIXES = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"BM": ".bmp", b"RI": ".webp"}


def write_data_set(store: FeedbackStore, out: Path, since: str = "") -> tuple[int, int]:
    """Writes a folder of all kept lines, which appears whole or not at all.

    Args:
        store: the lines.
        out: the folder; an older one is replaced.
        since: from this day on, `YYYY-MM-DD`.

    Returns:
        How many lines have a truth, and how many have none.

    Raises:
        DataError: nothing was kept.
    """
    lines = {line.name: line for line in store.lines(since)}  # the latest of equal images
    if not lines:
        raise DataError("feedback", "nothing was kept", "Read with --keep-below for a while")
    with atomic_directory(out) as work:
        (work / IMAGES).mkdir()
        paths = {name: _write_image(store, line, work) for name, line in lines.items()}
        ordered = sorted(lines.values(), key=lambda line: paths[line.name])
        corrected = [line for line in ordered if line.truth is not None]
        others = [line for line in ordered if line.truth is None]
        _write_list(work / LABELS, [(paths[line.name], line.truth or "") for line in corrected])
        _write_list(work / TO_LABEL, [(paths[line.name], "") for line in others])
        write_json(work / LINES, {paths[line.name]: _entry(line) for line in ordered})
    return len(corrected), len(others)


def read_corrections(store: FeedbackStore, filled: Path) -> int:
    """Stores the truths of a list that people filled in; empty labels are passed over.

    Args:
        store: the lines.
        filled: `to_label.txt`, or `labels.txt` with other truths.

    Returns:
        How many lines were corrected.

    Raises:
        LabelError: a line of the list is malformed, or names an image that was not kept.
    """
    rows = [row for row in read_label_list(filled) if row.label]
    names = [Path(row.paths[0]).stem for row in rows]
    known: dict[str, list[FeedbackSample]] = {}
    for line in store.lines(names=set(names)):
        known.setdefault(line.name, []).append(line)
    for row, name in zip(rows, names, strict=True):
        if name not in known:
            where = f"{filled}:{row.number}"
            raise LabelError(where, f"{row.paths[0]} was not kept", "Remove the line")
    for row, name in zip(rows, names, strict=True):
        for line in known[name]:
            if line.truth != row.label:
                store.correct(line, row.label)
    return len(rows)


def _entry(line: FeedbackSample) -> dict[str, Any]:
    return {"day": line.day, "name": line.name, **line.to_dict()}


def _write_image(store: FeedbackStore, line: FeedbackSample, work: Path) -> str:
    content = store.image(line)
    path = f"{IMAGES}/{line.name}{_SUFFIXES.get(content[:2], '.img')}"
    (work / path).write_bytes(content)
    return path


def _write_list(path: Path, rows: Sequence[tuple[str, str]]) -> None:
    write_text(path, "".join(f"{name}\t{label}\n" for name, label in rows))
