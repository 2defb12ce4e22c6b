"""ICDAR recognition labels: `word_1.png, "TEXT"`, one image a line.

What follows the first comma is the label; the quotes around it are no part of it, everything
between them is, commas, spaces and further quotes included.

Source: the text recognition tasks of the Robust Reading Competition (https://rrc.cvc.uab.es).
PaddleOCR's `ppocr/utils/gen_label.py` cuts the label at its first comma and deletes every space
and quote; `ocr_lib.data.labels.compat` does the same where that is asked for.
"""

import re

from ocr_lib.data.labels.lines import SUSPECT, BadLine, Parsed

_TEXT = rf'[^\\ {SUSPECT}]+(?=[ "])'  # up to a space or the closing quote


class IcdarForm:
    r"""`name, "text"`.

    Args:
        unescape: turn `\"` and `\\` in labels into the characters they stand for. Some of the
            competition's sets escape, others do not; nothing in a file says which.
    """

    separator, closing = ', "', '"'
    common = re.compile(
        rf'^([^\s,"{SUSPECT}][^,"{SUSPECT}]*+)(,) "({_TEXT}(?: {_TEXT})*+)"$', re.MULTILINE
    )

    def __init__(self, unescape: bool = False) -> None:
        self._unescape = unescape

    def parse(self, line: str) -> Parsed:
        """Takes apart `name, "text"`, with or without spaces and quotes around it."""
        image, comma, rest = line.partition(",")
        if not comma:
            raise BadLine("no comma after the image name")
        parsed = Parsed([image.strip(" ")], rest.removeprefix(" "))
        text = rest.strip(" \t")
        quotes = text.startswith('"') + text.endswith('"')
        if quotes == 2 and len(text) >= 2:
            parsed.label = text[1:-1]
            self._escapes(parsed)
        elif quotes:
            parsed.notes.append("label with a quote at one end only, kept as written")
        else:
            parsed.notes.append("label without quotes, kept as written")
        return parsed

    def _escapes(self, parsed: Parsed) -> None:
        if self._unescape:
            plain = re.sub(r'\\(["\\])', r"\1", parsed.label)
            if plain != parsed.label:
                parsed.notes.append("escaped quote or backslash replaced")
            parsed.label = plain
        elif '\\"' in parsed.label:
            parsed.notes.append('escaped quote (\\") kept as written; unescape replaces it')
