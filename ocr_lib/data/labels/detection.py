"""Detection labels: a folder of ICDAR `gt_<image>.txt` → PaddleOCR's detection list.

Source: the text localisation tasks of the Robust Reading Competition; PaddleOCR
`ppocr/utils/gen_label.py` (mode det), which keeps the text up to its first comma, lists the files
in the order of the file system and takes every image for a `.jpg`. Here the text is kept whole, the
files are sorted and the images are looked for.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocr_lib.data.labels.blocks import read_blocks
from ocr_lib.data.labels.find import unusable
from ocr_lib.data.labels.report import MISSING_IMAGE, LabelReport
from ocr_lib.data.labels.stream import Names

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".JPG", ".JPEG", ".PNG")
MAX_FILE_BYTES = 16 << 20  # the polygons of one image
_POLYGON = re.compile(r"\s*" + r"\s*,\s*".join([r"(-?\d{1,9})"] * 8) + r"\s*,(.*)", re.ASCII)


def convert_detection(
    folder: Path, names: Names, prefix: str, report: LabelReport
) -> Iterator[str]:
    """Yields a line for each label file: `image<TAB>[{"transcription": …, "points": [[x, y], …]}]`.

    Args:
        folder: holds `gt_<image>.txt`, lines `x1,y1,x2,y2,x3,y3,x4,y4,text` in pixels.
        names: which images exist.
        prefix: put before the image's name.
        report: counts polygons in `lines`, images in `written`.
    """
    for file in sorted(folder.glob("gt_*.txt")):
        if reason := unusable(file, folder, MAX_FILE_BYTES):
            report.lines += 1
            report.drop(reason, file.name, "")
            continue
        polygons = list(_polygons(file, report))
        image, reason = _image(file.stem.removeprefix("gt_"), names)
        if image is None:
            report.drop(reason, file.name, "", len(polygons))
            continue
        report.written += 1
        yield f"{prefix}{image}\t{json.dumps(polygons, ensure_ascii=False)}\n"


def _image(stem: str, names: Names) -> tuple[str | None, str]:
    """Returns the image of a label file; None and the reason where there is none."""
    for suffix in SUFFIXES:
        if not names.missing([stem + suffix]):
            return stem + suffix, ""
    matches = [names.match(stem + suffix) for suffix in SUFFIXES]
    best = min(matches, key=lambda match: (match.name is None, match.reason == MISSING_IMAGE))
    return best.name, best.reason


def _polygons(file: Path, report: LabelReport) -> Iterator[dict[str, Any]]:
    for block in read_blocks(file, report):
        for number, line in enumerate(block.text[1:-1].split("\n"), block.number):
            if not line.strip():
                continue
            report.lines += 1
            if match := _POLYGON.match(line):
                *numbers, text = match.groups()
                xy = list(map(int, numbers))
                points = [xy[i : i + 2] for i in range(0, 8, 2)]
                yield {"transcription": text, "points": points}
            else:
                report.drop("not eight whole numbers and a text", f"{file.name}:{number}", line)
