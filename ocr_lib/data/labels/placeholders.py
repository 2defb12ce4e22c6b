"""Labels that stand for a text that is not there: what annotation tools and data sets write.

Source: PPOCRLabel (`待识别`, in English `TEMPORARY`); the ICDAR competitions, whose `###` means
"do not care"; the usual words of transcription guidelines.
"""

import re
from collections.abc import Iterable, Sequence

REASON = "placeholder in place of a text"
PLACEHOLDERS = (
    "待识别",
    "TEMPORARY",
    "###",
    "<unk>",
    "[UNK]",
    "[illegible]",
    "<illegible>",
    "[unreadable]",
    "<unreadable>",
    "[unleserlich]",
    "[illisible]",
    "[ilegible]",
    "无法识别",
    "看不清",
    "模糊",
    "判読不能",
)
_HASHES = re.compile(r"#{2,}")  # some sets write as many as the word has letters


class Placeholders:
    """Tells placeholders from texts, whatever their case and the spaces around them.

    Args:
        more: further ones, of the user's own.
    """

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._texts = {text.strip().casefold() for text in (*PLACEHOLDERS, *more)}

    def __contains__(self, label: str) -> bool:
        text = label.strip()
        return text.casefold() in self._texts or _HASHES.fullmatch(text) is not None

    def positions(self, labels: Sequence[str]) -> list[int]:
        """Returns where placeholders are among labels, in ascending order."""
        return [i for i, label in enumerate(labels) if label in self]
