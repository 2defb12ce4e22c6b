"""Label files of users: other encodings, other forms, paths that leave the folder."""

import json
from collections.abc import Callable
from pathlib import Path

from ocr_lib.data.label_list import read_label_list
from ocr_lib.data.labels.convert import convert
from ocr_lib.errors import LabelError, UserError
from tests.faults.cases import random_for
from tests.faults.hostile.case import Hostile, constant, cut, flipped

IMAGES = 6
GOOD = "".join(f'word_{i}.png, "text {i}"\n' for i in range(1, IMAGES + 1))
LIST = "".join(f"word_{i}.png\ttext {i}\n" for i in range(1, IMAGES + 1))

# Label files without a single usable line.
REFUSED: dict[str, bytes] = {
    "empty": b"",
    "only-bom": b"\xef\xbb\xbf",
    "blank-lines": b"\n" * 100_000,
    "nul": bytes(1000),
    "utf-16": GOOD.encode("utf-16"),
    "utf-32": GOOD.encode("utf-32"),
    "one-long-line": b"word_1.png" * 1_000_000,
    "parent": b'../../../etc/passwd, "root"\n',
    "absolute": b'/etc/passwd, "root"\n',
    "missing": b'nothing.png, "text"\n',
    "folder": b'., "text"\n',
    "no-label": b"word_1.png\n",
    "empty-label": b'word_1.png, ""\n',
    "json": b'{"word_1.png": "text"}\n',
    "xml": b"<annotation><text>a</text></annotation>\n",
    "csv-head": b"filename,text\n",
    "deep-paths": b"[" * 100_000 + b"\ttext\n",
    "paths-not-texts": b"[1, 2, 3]\ttext\n",
    "no-paths": b"[]\ttext\n",
    "paths-broken": b'["word_1.png", \ttext\n',
    "path-with-nul": b"word_1.png\0\ttext\n",
    "path-too-long": b"a/" * 5000 + b"\ttext\n",
    "name-too-long": b"a" * 300 + b".png\ttext\n",
    "polygons-broken": b'word_1.png\t[{"points": [[1, 2]], "transcription": \n',
    "polygons-of-texts": b'word_1.png\t[{"points": "abc", "transcription": "a"}]\n',
    "polygons-huge": b'word_1.png\t[{"points": [[1e308, 1e999]], "transcription": "a"}]\n',
    "invalid": b"word_1.png\t\xff\xfe\n",
    "overlong": b"word_1.png\t\xc0\xaf\n",
    "surrogate": b"word_1.png\t\xed\xa0\x80\n",
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0",
    "image": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "scheme": b"file:///etc/passwd\troot\n",
    "home": b"~/.ssh/id_rsa\tkey\n",
}
# What may be kept of odd labels is their text, unchanged or cleaned, and nothing else.
ODD_LABELS: dict[str, str] = {
    "quotes": 'say "hi", twice',
    "comma": "1,000.00",
    "tab-like": "a\\tb",
    "right-to-left": "\u202eabc",
    "zero-width": "a\u200bb",
    "combining": "e\u0301" * 50,
    "emoji": "\U0001f600",
    "private": "\ue000",
    "controls": "a\x01\x1b[31mb",
    "line-separator": "a\u2028b",
    "next-line": "a\x85b",
    "form-feed": "a\x0cb",
    "return": "a\rb",
    "long": "x" * 100_000,
    "deep-json": "[" * 100_000,
    "script": "<script>alert(1)</script>",
    "formula": "=cmd|' /C calc'!A0",
    "template": "{{ 7 * 7 }}",
    "format": "%s%n{0}",
    "backslash": "\\",
    "spaces": "   a   ",
}


def folder_with(content: bytes, folder: Path) -> Path:
    source = folder / "source"
    source.mkdir()
    for number in range(1, IMAGES + 1):
        (source / f"word_{number}.png").write_bytes(b"image")
    (source / "gt.txt").write_bytes(content)
    return source


def converted(content: bytes, folder: Path) -> list[tuple[str, str]]:
    """Converts, and reads the list back; every image in it is in the folder."""
    source = folder_with(content, folder)
    try:
        convert(source, folder / "out", max_bad_fraction=0.9)
    except UserError:
        assert not list((folder / "out").glob("*")), "something was left behind"
        raise
    lines = [
        (p, line.label) for line in read_label_list(folder / "out/labels.txt") for p in line.paths
    ]
    for path, _ in lines:
        assert (source / path).resolve().parent == source.resolve()
        assert (source / path).is_file()
    json.loads((folder / "out/report.json").read_text("utf-8"))
    return lines


def read(content: bytes, folder: Path) -> int:
    path = folder / "labels.txt"
    path.write_bytes(content)
    return sum(len(line.paths) for line in read_label_list(path))


def only_known(lines: list[tuple[str, str]]) -> bool:
    return len(lines) > 0 and all(len(path) <= 10 for path, _ in lines)


def has_label(label: str) -> Callable[[list[tuple[str, str]]], bool]:
    """The odd label is whole, or what is not text in it was taken away; the good ones are there."""

    def right(lines: list[tuple[str, str]]) -> bool:
        labels = [text for _, text in lines]
        good = {f"text {i}" for i in range(1, IMAGES + 1)} <= set(labels)
        odd = [text for text in labels if not text.startswith("text ")]
        return good and all(set(text) <= set(label) | {" "} for text in odd)

    return right


def cases() -> dict[str, Hostile]:
    found = {
        name: Hostile(constant(c), converted, LabelError, "gt.txt") for name, c in REFUSED.items()
    }
    for name, label in ODD_LABELS.items():
        icdar = (GOOD + f'word_1.png, "{label}"\n').encode()
        table = (LIST + f"word_1.png\t{label}\n").encode()
        for form, content in (("icdar", icdar), ("list", table)):
            right = has_label(label)
            found[f"{form}-{name}"] = Hostile(
                constant(content), converted, LabelError, "gt.txt", right
            )
    for form, text in (("icdar", GOOD), ("list", LIST)):
        for name, part in cut(text.encode(), 8):
            found[f"{form}-{name}"] = Hostile(
                constant(part), converted, LabelError, "gt.txt", only_known
            )
        for name, part in flipped(text.encode(), form, 15):
            found[f"{form}-{name}"] = Hostile(
                constant(part), converted, LabelError, "gt.txt", only_known
            )
    for number in range(15):
        noise = constant(random_for(f"labels {number}").randbytes(3000))
        found[f"noise-{number}"] = Hostile(noise, converted, LabelError, "gt.txt")
        found[f"list-noise-{number}"] = Hostile(noise, read, LabelError, "labels.txt:")
    return found
