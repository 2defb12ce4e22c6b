"""What the forms of label lines have in common: the parsed line, and what a label may hold."""

import json
import re
from dataclasses import dataclass, field
from typing import Protocol

CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
INVISIBLE = r"\u200b\u2060\ufeff"
LOST = r"\ufffd"
SPACES = r"\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"  # all but U+0020
# Joiners (U+200C, U+200D) are not among them: Persian and Indic scripts are written with them.
SUSPECT = CONTROL + BIDI + INVISIBLE + LOST + SPACES
# A label without anything suspect: words with one space between them.
PLAIN = rf"[^ {SUSPECT}]++(?: [^ {SUSPECT}]++)*+"

_NOTES = {
    "control character": re.compile(f"[{CONTROL}]"),
    "bidirectional control": re.compile(f"[{BIDI}]"),
    "invisible character": re.compile(f"[{INVISIBLE}]"),
    "replacement character U+FFFD (text was lost earlier)": re.compile(f"[{LOST}]"),
}
_SPACES = {
    "space at an end": re.compile(r"^ | $"),
    "several spaces in a row": re.compile(r"\S  +\S"),
    "unusual space": re.compile(f"[{SPACES}]"),
}
# What the label list cannot hold: ends of a line or a column, and no UTF-8.
_UNWRITABLE = re.compile("[\0\t\n\r\ud800-\udfff]")


class BadLine(Exception):  # noqa: N818 - a verdict on a line, not an error of the program
    """A line that cannot become a sample; its message is the reason that the report counts."""


@dataclass
class Parsed:
    """A label line taken apart.

    Args:
        images: relative path of the image, or of several to pick one from.
        label: the text.
        notes: what the report should say about it.
    """

    images: list[str]
    label: str
    notes: list[str] = field(default_factory=list)

    def line(self, prefix: str) -> str:
        """Returns the label list's line, `path<TAB>label`, paths in JSON where there are several.

        Args:
            prefix: put before every path.
        """
        paths = [prefix + image for image in self.images]
        images = paths[0] if len(paths) == 1 else json.dumps(paths, ensure_ascii=False)
        return f"{images}\t{self.label}\n"


class LineForm(Protocol):
    """One form of label files.

    `common` matches the ordinary line whole, image + `separator` + label + `closing`, and captures
    image, the separator's first character, and label. `parse` takes any line that is not blank and
    raises BadLine where nothing can be done.
    """

    common: re.Pattern[str]
    separator: str
    closing: str

    def parse(self, line: str) -> Parsed:
        """Takes a line apart."""


def check(parsed: Parsed) -> None:
    """Refuses what no sample can have, notes what a reader of the report should look at.

    Raises:
        BadLine: no image name, an image outside the folder, no label, or a tab inside it.
    """
    if not all(parsed.images):
        raise BadLine("no image name")
    if any(_UNWRITABLE.search(image) for image in parsed.images):
        raise BadLine("character in the image path that a label list cannot hold")
    if any(leaves_folder(image) for image in parsed.images):
        raise BadLine("image path outside the image folder")
    if not parsed.label:
        raise BadLine("empty label")
    if "\t" in parsed.label:
        raise BadLine("tab inside the label")
    for kind, pattern in _NOTES.items():
        if pattern.search(parsed.label):
            parsed.notes.append(f"{kind} in the label, kept")
        if any(pattern.search(image) for image in parsed.images):
            parsed.notes.append(f"{kind} in the image path, kept")
    parsed.notes += [
        f"{kind} in the label, kept"
        for kind, pattern in _SPACES.items()
        if pattern.search(parsed.label)
    ]


def leaves_folder(image: str) -> bool:
    """Whether a path is absolute or climbs out of the folder it is relative to."""
    return image.startswith("/") or ".." in image.split("/")
