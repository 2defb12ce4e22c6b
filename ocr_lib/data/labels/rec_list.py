r"""PaddleOCR recognition lists: `path<TAB>label`, or a JSON list of paths in place of the path.

Source: PaddleOCR `ppocr/data/simple_dataset.py` (SimpleDataSet): the second column is the label,
further ones are not read.
"""

import json
import re

from ocr_lib.data.labels.lines import PLAIN, SUSPECT, BadLine, Parsed


class RecListForm:
    """`path<TAB>label`."""

    separator, closing = "\t", ""
    common = re.compile(rf"^([^\s\[{SUSPECT}][^{SUSPECT}]*+)(\t)({PLAIN})$", re.MULTILINE)

    def parse(self, line: str) -> Parsed:
        """Takes apart `path<TAB>label`."""
        images, tab, rest = line.partition("\t")
        if not tab:
            raise BadLine("no tab between image path and label")
        label, more, _ = rest.partition("\t")
        parsed = Parsed(image_paths(images), label)
        if more:
            parsed.notes.append("columns after the label left out")
        return parsed


def image_paths(column: str) -> list[str]:
    """Returns the paths of a list's first column: one, or those of a JSON list."""
    if column.startswith("["):
        try:
            paths = json.loads(column)
        except (ValueError, RecursionError):
            return [column]  # a file name may start with a bracket
        if isinstance(paths, list) and paths and all(isinstance(p, str) for p in paths):
            return paths
    return [column]
