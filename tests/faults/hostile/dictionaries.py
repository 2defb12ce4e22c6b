"""Character dictionaries: other encodings, lines that are no character, names of other files."""

from pathlib import Path

from ocr_lib.errors import DictionaryError
from ocr_lib.text.dictionary import Charset, load_dictionary
from tests.faults.cases import random_for
from tests.faults.hostile.case import Hostile, constant, cut, flipped

GOOD = "".join(f"{c}\n" for c in "abcdefghijklmnopqrstuvwxyz0123456789é漢")
REFUSED: dict[str, bytes] = {
    "empty": b"",
    "bom": b"\xef\xbb\xbfa\nb\n",
    "utf-16": GOOD.encode("utf-16"),
    "utf-32": GOOD.encode("utf-32"),
    "latin-1": "a\né\n".encode("latin-1"),
    "gbk": "漢\n字\n".encode("gbk"),
    "overlong": b"a\n\xc0\xaf\n",
    "surrogate": b"a\n\xed\xa0\x80\n",
    "cut-character": b"a\n\xe6\xbc\n",
    "beyond-unicode": b"\xf5\x80\x80\x80\n",
    "image": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0\xff",
    "pickle": b"\x80\x04\x95\x10\0\0\0",
}
ODD: dict[str, bytes] = {
    "blank-first": b"\na\nb\n",
    "blank-inside": b"a\n\nb\n",
    "only-blank": b"\n\n\n",
    "one-line-end": b"\n",
    "doubled": b"a\nb\na\n",
    "crlf": b"a\r\nb\r\n",
    "cr": b"a\rb\r",
    "no-last-end": b"a\nb",
    "space": b"a\n \nb\n",
    "trailing-space": b"a \nb\n",
    "tab": b"\t\na\n",
    "nul": b"\0\na\n",
    "controls": b"\x01\n\x1b[31m\na\n",
    "words": b"alpha\nbeta\n",
    "combining": "a\n\u0301\n".encode(),
    "decomposed": "e\u0301\n\u00e9\n".encode(),
    "zero-width": "\u200b\na\n".encode(),
    "byte-order-inside": "a\n\ufeff\nb\n".encode(),
    "line-separator": "a\n\u2028\nb\n".encode(),
    "next-line": "a\n\u0085\nb\n".encode(),
    "emoji": "\U0001f600\na\n".encode(),
    "right-to-left": "\u202e\na\n".encode(),
    "long-line": b"x" * (1 << 20) + b"\na\n",
    "many": "".join(f"{chr(0x4E00 + i % 20000)}\n" for i in range(100_000)).encode(),
    "json": b'["a", "b"]\n',
    "csv": b"a,1\nb,2\n",
    "html": b"<html>404</html>\n",
}
NAMES = {
    "parent": "../../etc/nothing",
    "passwd-of-nothing": "/etc/nothing.txt",
    "folder": "/tmp",
    "nul": "a\0b",
    "too-long": "a" * 5000,
    "scheme": "http://example.org/dict.txt",
    "empty": "",
    "unknown": "klingon",
    "line-end": "a\nb",
    "home": "~/dict.txt",
    "control": "\x1b[31mred",
    "windows": "C:\\dict.txt",
    "glob": "*",
    "option": "--help",
}


def loaded(content: bytes, folder: Path) -> Charset:
    path = folder / "dict.txt"
    path.write_bytes(content)
    return load_dictionary(str(path))


def by_name(content: bytes, folder: Path) -> Charset:
    return load_dictionary(content.decode())


def returns(charset: Charset) -> bool:
    """What it encodes comes back, and every class has its own place."""
    single = [c for c in charset.characters if len(c) == 1]
    for character in single[:200]:
        if charset.text(charset.encode(character)) != character:
            return False
    return charset.num_classes == len(charset.characters) + 1


def cases() -> dict[str, Hostile]:
    found = {
        name: Hostile(constant(c), loaded, DictionaryError, "dict.txt")
        for name, c in REFUSED.items()
    }
    for name, content in ODD.items():
        found[name] = Hostile(constant(content), loaded, DictionaryError, "dict.txt", returns)
    for name, content in [*cut(GOOD.encode(), 10)]:
        found[name] = Hostile(constant(content), loaded, DictionaryError, "dict.txt", returns)
    for name, content in flipped(GOOD.encode(), "dictionary", 25):
        found[name] = Hostile(constant(content), loaded, DictionaryError, "dict.txt", returns)
    for number in range(15):
        noise = constant(random_for(f"dictionary {number}").randbytes(500))
        found[f"noise-{number}"] = Hostile(noise, loaded, DictionaryError, "dict.txt")
    for name, text in NAMES.items():
        content = constant(text.encode())
        found[f"name-{name}"] = Hostile(content, by_name, DictionaryError, "character_dict_path")
    return found
