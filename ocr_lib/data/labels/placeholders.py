"""Labels that stand for a text that is not there: what annotation tools and data sets write.

Source: PPOCRLabel (`待识别`, in English `TEMPORARY`); the ICDAR competitions, whose `###` means
"do not care"; the marks in brackets of transcription guidelines. Words that a picture can show
("temporary", "模糊") are texts.
"""

import re
from collections.abc import Iterable, Sequence

REASON = "placeholder in place of a text"
PLACEHOLDERS = ("待识别", "TEMPORARY")  # exactly so
MARKS = (  # in any case
    "<unk>",
    "[unk]",
    "[illegible]",
    "<illegible>",
    "[unreadable]",
    "<unreadable>",
    "[unleserlich]",
    "[illisible]",
    "[ilegible]",
)
_HASHES = re.compile(r"#{3,}")  # some sets write as many as the word has letters


class Placeholders:
    """Tells placeholders from texts, whatever the spaces around them.

    Args:
        more: further ones, of the user's own, as they are written.
    """

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._texts = {*PLACEHOLDERS, *(text.strip() for text in more)}

    def __contains__(self, label: str) -> bool:
        text = label.strip()
        return text in self._texts or text.lower() in MARKS or _HASHES.fullmatch(text) is not None

    def positions(self, labels: Sequence[str]) -> list[int]:
        """Returns where placeholders are among labels, in ascending order."""
        return [i for i, label in enumerate(labels) if label in self]
