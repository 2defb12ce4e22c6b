"""Which characters are read worst, and how single characters and differences are shown."""

import unicodedata

from rapidfuzz.distance import Levenshtein

from ocr_lib.evaluation.characters import Recall
from ocr_lib.evaluation.report import EvalReport

VISIBLE_SPACE = "␣"  # where a space is what is wrong, it must be seen


def most_missed(report: EvalReport, most: int) -> list[tuple[str, Recall]]:
    """Returns the characters of which most occurrences are missed, the worst first."""
    ranked = sorted(
        report.characters.items(), key=lambda item: (item[1].hits - item[1].count, item[0])
    )
    return [item for item in ranked[:most] if item[1].hits < item[1].count]


def unicode_name(character: str) -> str:
    """Returns a character's name, its code point where it has none."""
    return unicodedata.name(character, f"U+{ord(character):04X}").lower()


def visible(text: str) -> str:
    """Returns a text with its spaces shown."""
    return text.replace(" ", VISIBLE_SPACE)


def marked(text: str, truth: str) -> list[tuple[str, bool]]:
    """Returns `text` in pieces with whether each differs from `truth`; a gap is an empty one."""
    if not text:
        return [("nothing", True)]
    pieces = []
    for step in Levenshtein.opcodes(truth, text):
        piece, differs = text[step.dest_start : step.dest_end], step.tag != "equal"
        pieces.append((visible(piece) if differs else piece, differs))
    return pieces
