"""Character dictionaries: which characters a network can say, and the class of each.

Source: PaddleOCR `ppocr/data/imaug/label_ops.py` (BaseRecLabelEncode, CTCLabelEncode) and
`ppocr/postprocess/rec_postprocess.py` (BaseRecLabelDecode): same ids for the same file.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ocr_lib.atomic import write_text
from ocr_lib.errors import DictionaryError
from ocr_lib.regular_file import read_bounded
from ocr_lib.text.bidi import has_right_to_left, reading_order, visual_order
from ocr_lib.text.known_dictionaries import IC15, known_content
from ocr_lib.text.unicode_form import changes_in_nfc, composed, decomposed

MAX_BYTES = 4 << 20  # of a dictionary; 50,000 entries take some 200 KB
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Charset:
    """The characters of a network, immutable; CTC class 0 is the blank, class i is character i-1.

    An entry may hold several characters (some of PaddleOCR's files have such lines): decoding
    writes it out, encoding never meets it. Where an entry occurs twice, encoding uses the last.

    Args:
        characters: the entries in class order, without the blank.
        lower: labels are lower-cased before they are encoded (PaddleOCR's 0-9a-z default).
        right_to_left: it has letters of a right-to-left script. The network reads the line from
            its left end, people from its right; text is put in order on the way in and out, by the
            Unicode Bidirectional Algorithm. PaddleOCR turns it on the way out only, so that its
            users store such labels backwards; here labels are in reading order.

    Labels are brought to the Unicode form of the entries: NFC, but for characters that are entries
    and that NFC would replace, and for letters of which only the parts are entries.
    """

    characters: tuple[str, ...]
    lower: bool = False
    right_to_left: bool = False

    @property
    def num_classes(self) -> int:
        """Number of CTC classes: the characters and the blank."""
        return len(self.characters) + 1

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the characters joined by line feeds."""
        return hashlib.sha256("\n".join(self.characters).encode()).hexdigest()

    def encode(self, text: str) -> list[int]:
        """Returns the CTC ids (>= 1) of `text`; unknown characters are skipped."""
        return self.encode_checked(text)[0]

    def unknown(self, text: str) -> list[str]:
        """Returns the characters of `text` that `encode` would skip, in their order."""
        return [c for c in self._form(text) if c not in self._index]

    def encode_checked(self, text: str) -> tuple[list[int], list[str]]:
        """Returns what `encode` and `unknown` do, at the cost of one of them."""
        index, form = self._index, self._form(text)
        drawn = visual_order(form) if self.right_to_left else form
        ids = [index[c] for c in drawn if c in index]
        whole = len(ids) == len(form) and not self.right_to_left
        return ids, [] if whole else [c for c in form if c not in index]

    def canonical(self, text: str) -> str:
        """Returns a label as the network would write it, had it all of its characters.

        That is in its case, in its Unicode form, and in the one of several reading orders that its
        image can have.
        """
        form = self._form(text)
        return reading_order(visual_order(form)) if self.right_to_left else form

    def is_reordered(self, text: str) -> bool:
        """Tells whether a right-to-left label comes back in another order than it is written in.

        Its image can be read in several orders; `canonical` is what the network is taught.
        """
        return self.right_to_left and self.canonical(text) != self._form(text)

    def text(self, ids: Iterable[int]) -> str:
        """Returns the text of CTC ids in reading order; blanks (0) say nothing."""
        entries = self._entries
        drawn = "".join([entries[i] for i in ids])
        return reading_order(drawn) if self.right_to_left else drawn

    def to_file(self, path: str | Path) -> None:
        """Writes PaddleOCR's form, one entry a line, atomically."""
        write_text(path, "".join(f"{entry}\n" for entry in self.characters))

    @cached_property
    def _index(self) -> dict[str, int]:
        index = {entry: i for i, entry in enumerate(self.characters, start=1)}
        for entry, i in list(index.items()):
            if len(entry) > 1 and len(letter := composed(entry)) == 1:  # written in its parts
                index.setdefault(letter, i)
        return index

    @cached_property
    def _entries(self) -> tuple[str, ...]:
        entries = ["", *self.characters]
        for letter, i in self._index.items():
            if composed(entries[i]) == letter:
                entries[i] = letter
        return tuple(entries)

    @cached_property
    def _unchanged(self) -> frozenset[str]:
        """Entries of one character that NFC would replace."""
        return frozenset(c for c in self.characters if len(c) == 1 and changes_in_nfc(c))

    def _form(self, text: str) -> str:
        """Returns a text in the case and in the Unicode form of the entries."""
        text = composed(text.lower() if self.lower else text, self._unchanged)
        if text.isascii() or self._index.keys() >= set(text):
            return text
        return "".join([c if c in self._index else self._parts(c) for c in text])

    def _parts(self, character: str) -> str:
        """Returns a character's parts where all of them are entries, else itself."""
        if character not in self._known_parts:
            parts = decomposed(character)
            whole = all(part in self._index for part in parts)
            self._known_parts[character] = parts if whole else character
        return self._known_parts[character]

    @cached_property
    def _known_parts(self) -> dict[str, str]:
        """What `_parts` has answered."""
        return {}


def load_dictionary(
    character_dict_path: str | None,
    use_space_char: bool = False,
    where: str = "character_dict_path",
) -> Charset:
    """Loads a dictionary the way PaddleOCR's keys of the same names do.

    Args:
        character_dict_path: a file; or a short name (`en`, `ic15`, `french`, `ppocr_keys_v1`, …);
            or a path of a PaddleOCR checkout (`ppocr/utils/en_dict.txt`); or None for digits and
            lower-case letters, to which `use_space_char` adds nothing.
        use_space_char: appends a space, also where the file has one already, as PaddleOCR does.
        where: the key or argument that names it, for errors.

    Raises:
        DictionaryError: no such file or name, or the file is not one entry a line in UTF-8.
    """
    if character_dict_path is None:
        return Charset(tuple(IC15), lower=True)
    characters = _characters(character_dict_path, where)
    if use_space_char:
        characters += (" ",)
    return with_direction(characters, character_dict_path)


def build_dictionary(
    labels: Iterable[str], min_count: int = 1, use_space_char: bool = True
) -> Charset:
    """Builds a dictionary from a data set's labels: their characters in NFC, by code point.

    Args:
        labels: the texts; read once, so an iterator will do.
        min_count: characters that occur less often are left out.
        use_space_char: whether a space among the characters is kept.

    Raises:
        DictionaryError: no character is left.
    """
    counts: Counter[str] = Counter()
    for label in labels:
        counts.update(composed(label))
    excluded = "\r\n" if use_space_char else "\r\n "
    characters = sorted(c for c, n in counts.items() if n >= min_count and c not in excluded)
    if not characters:
        raise DictionaryError(
            "dictionary",
            f"no character occurs {min_count} times or more in the labels",
            "Check the label list",
        )
    return with_direction(tuple(characters))


def with_direction(characters: tuple[str, ...], name: str = "") -> Charset:
    """Returns the charset of some entries, right-to-left where one of them is such a letter.

    Args:
        characters: the entries.
        name: of their file; PaddleOCR turns the text of those with "arabic" in their name.
    """
    right_to_left = "arabic" in Path(name).name or has_right_to_left("".join(characters))
    return Charset(characters, right_to_left=right_to_left)


def _characters(path: str, where: str) -> tuple[str, ...]:
    with suppress(OSError):  # of a name that is too long for a file
        if Path(path).is_file():
            return _read(Path(path))
    content = known_content(path, where)
    return tuple(content) if isinstance(content, str) else _read(content)


def _read(path: Path) -> tuple[str, ...]:
    """Reads one entry a line: line ends go, spaces stay."""
    try:
        content = read_bounded(path, MAX_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        cause = f"cannot be read ({error.strerror})"
        raise DictionaryError(str(path), cause, "Give a text file, an entry a line") from None
    if content.startswith(_BOM):
        raise DictionaryError(
            f"{path}:1",
            "the file starts with a byte-order mark, so its first character would never match",
            "Save it as UTF-8 without one",
        )
    lines = content.removesuffix(b"\n").split(b"\n") if content else []
    if not lines:
        raise DictionaryError(str(path), "the dictionary is empty", "Write one character a line")
    try:
        return tuple(line.decode("utf-8").strip("\r\n") for line in lines)
    except UnicodeDecodeError:
        number = next(i for i, line in enumerate(lines, 1) if not _is_utf8(line))
        raise DictionaryError(f"{path}:{number}", "not UTF-8", "Save the file as UTF-8") from None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
