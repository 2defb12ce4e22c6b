"""What is wrong with a dictionary: entries that cannot be learnt, and characters that it lacks."""

import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ocr_lib.text.dictionary import Charset
from ocr_lib.text.unicode_form import character_name, character_names, composed

_LATIN = string.ascii_lowercase
_VIETNAMESE = "".join(
    composed(vowel + mark) for vowel in "aăâeêioôơuưy" for mark in ("", "\u0300", "\u0301",
    "\u0303", "\u0309", "\u0323")
)  # fmt: skip
_RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
# Lower-case letters of a language's alphabet, by the name that PaddleOCR gives its dictionary.
ALPHABETS = {
    "en": _LATIN,
    "french": f"{_LATIN}àâæçéèêëîïôœùûüÿ",
    "fr": f"{_LATIN}àâæçéèêëîïôœùûüÿ",
    "german": f"{_LATIN}äöüß",
    "de": f"{_LATIN}äöüß",
    "es": f"{_LATIN}áéíñóúü",
    "xi": f"{_LATIN}áéíñóúü",
    "it": f"{_LATIN}àèéìòù",
    "pt": f"{_LATIN}áâãàçéêíóôõú",
    "pu": f"{_LATIN}áâãàçéêíóôõú",
    "vi": f"{_LATIN}đ{_VIETNAMESE}",
    "pl": f"{_LATIN}ąćęłńóśźż",
    "cs": f"{_LATIN}áčďéěíňóřšťúůýž",
    "sk": f"{_LATIN}áäčďéíĺľňóôŕšťúýž",
    "hu": f"{_LATIN}áéíóöőúüű",
    "ro": f"{_LATIN}ăâîșț",
    "tr": f"{_LATIN}çğıöşü",
    "az": f"{_LATIN}çəğıöşü",
    "nl": f"{_LATIN}ëïéö",
    "sv": f"{_LATIN}åäö",
    "da": f"{_LATIN}æøå",
    "no": f"{_LATIN}æøå",
    "is": f"{_LATIN}áðéíóúýþæö",
    "et": f"{_LATIN}äõöüšž",
    "lv": f"{_LATIN}āčēģīķļņšūž",
    "lt": f"{_LATIN}ąčęėįšųūž",
    "hr": f"{_LATIN}čćđšž",
    "sl": f"{_LATIN}čšž",
    "bs": f"{_LATIN}čćđšž",
    "rs": f"{_LATIN}čćđšž",
    "rs_latin": f"{_LATIN}čćđšž",
    "sq": f"{_LATIN}çë",
    "af": f"{_LATIN}êëéèîïôöûü",
    "id": _LATIN,
    "ms": _LATIN,
    "sw": _LATIN,
    "tl": f"{_LATIN}ñ",
    "ga": f"{_LATIN}áéíóú",
    "cy": f"{_LATIN}âêîôûŵŷ",
    "mt": f"{_LATIN}ċġħż",
    "oc": f"{_LATIN}àáçèéíïòóúü",
    "uz": _LATIN,
    "ru": _RUSSIAN,
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "be": "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
    "bg": "абвгдежзийклмнопрстуфхцчшщъьюя",
    "rsc": "абвгдђежзијклљмнњопрстћуфхцчџш",
    "rs_cyrillic": "абвгдђежзијклљмнњопрстћуфхцчџш",
    "mn": f"{_RUSSIAN}өү",
    "el": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ",
}


@dataclass(frozen=True, slots=True)
class DictionaryFault:
    """One fault of a dictionary.

    Attributes:
        line: of the file, from 1; 0 where it is none of a line.
        cause: what is wrong.
        is_error: no training can teach the class.
    """

    line: int
    cause: str
    is_error: bool = False


def faults(charset: Charset, use_space_char: bool = False) -> Iterator[DictionaryFault]:
    """Yields what is wrong with the entries, in their order.

    Args:
        charset: a loaded dictionary.
        use_space_char: whether its last entry is the space that this key appends.
    """
    entries = charset.characters[: -1 if use_space_char else None]
    first: dict[str, int] = {}
    for line, entry in enumerate(entries, start=1):
        if cause := _unlearnable(entry):
            yield DictionaryFault(line, cause, is_error=True)
        letter = composed(entry)
        if entry in first:
            cause = f"{_named(entry)} is in line {first[entry]} too, whose class is never taught"
            yield DictionaryFault(line, cause)
        elif letter in first:
            cause = f"{_named(entry)} is line {first[letter]}'s letter in another Unicode form"
            yield DictionaryFault(line, cause)
        first.setdefault(entry, line)
        first.setdefault(letter, line)
    if use_space_char and " " in first:
        cause = "use_space_char appends a second space; this one's class is never taught"
        yield DictionaryFault(first[" "], cause)


def lacks(charset: Charset, name: str) -> str:
    """Returns what a dictionary lacks of the alphabet that its name promises, and of the digits.

    Args:
        charset: a loaded dictionary.
        name: its short name or path; "" is returned for one that names no language.
    """
    alphabet = ALPHABETS.get(Path(name).name.removesuffix(".txt").removesuffix("_dict"))
    if alphabet is None:
        return ""
    letters = alphabet if charset.lower else alphabet + alphabet.upper().replace("SS", "")
    missing = [c for c in dict.fromkeys(string.digits + letters) if charset.unknown(c)]
    return character_names(missing, limit=40)


def _unlearnable(entry: str) -> str:
    """Returns why no label can have an entry; "" where it can."""
    if not entry:
        return "the line is empty: no label has its class, and all after it are one further"
    if "\r" in entry:
        return "a carriage return within the line; end the lines with a line feed each"
    if len(entry) == 1 or len(composed(entry)) == 1:
        return ""
    if len(entry.strip()) == 1:
        return (
            f"{_named(entry.strip())} with a space: a label's characters are looked up one by one"
        )
    return f"{entry!r} has {len(entry)} characters: a label's are looked up one by one"


def _named(entry: str) -> str:
    return character_name(entry) if entry else "the empty line"
