"""The Unicode form of labels, and names of characters for people.

One letter can be written as one character or as a letter and combining marks. A dictionary holds
one of the two, and a label in the other would lose the letter.

Source: Unicode Standard Annex 15 (NFC, NFD).
"""

import re
import unicodedata
from collections.abc import Collection, Iterable

DOTTED_CIRCLE = "\u25cc"  # what Unicode's charts put combining marks on


def composed(text: str, unchanged: Collection[str] = ()) -> str:
    """Returns a text in NFC, but for characters that are kept as they are.

    Args:
        text: any.
        unchanged: single characters that NFC would replace.
    """
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    if not unchanged or not any(c in unchanged for c in text):
        return unicodedata.normalize("NFC", text)
    parts = re.split(f"([{re.escape(''.join(sorted(unchanged)))}])", text)
    return "".join(
        part if part in unchanged else unicodedata.normalize("NFC", part) for part in parts if part
    )


def decomposed(character: str) -> str:
    """Returns a character's NFD: itself where it has none."""
    return unicodedata.normalize("NFD", character)


def changes_in_nfc(character: str) -> bool:
    """Returns whether NFC replaces a character."""
    return not unicodedata.is_normalized("NFC", character)


def character_name(character: str) -> str:
    """Returns `'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE)`: what a person needs to find it.

    Combining marks are on a dotted circle; controls, which have no name, show their code point.
    """
    return f"{_shown(character)} ({_code_points(character)})"


def character_names(characters: Iterable[str], limit: int = 10) -> str:
    """Returns the names of some characters, and how many more there are."""
    listed = list(characters)
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(map(character_name, listed[:limit])) + more


def _shown(character: str) -> str:
    if character == " ":
        return "space"
    if unicodedata.category(character[0])[0] in "CZ":
        return "invisible"
    circle = DOTTED_CIRCLE if unicodedata.combining(character[0]) else ""
    return f"'{circle}{character}'"


def _code_points(character: str) -> str:
    return " + ".join(f"U+{ord(c):04X} {unicodedata.name(c, '')}".rstrip() for c in character)
