"""What people read on a terminal or in a log.

Labels, file names and answers of servers come from outside. A control character in them could move
the cursor or end a line, a bidirectional one could reorder what stands around it, so that a message
says something else than it was meant to. Both are shown as escapes.
"""

import re
import sys

# C0 and C1 controls, line and paragraph separators, Unicode's Bidi_Control, bytes of a file name
# that are not UTF-8 (lone surrogates in Python).
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: str, keep: str = "") -> str:
    r"""Returns a text with its control characters as escapes: \\n, \\u001b, \\u202e.

    Args:
        text: from outside.
        keep: control characters to leave as they are.
    """
    return _HIDDEN.sub(
        lambda match: match[0] if match[0] in keep else _escape(match[0]),
        text,
    )


def echo(text: str = "", *, err: bool = False, flush: bool = False) -> None:
    """Prints a text that ends with a new line; only tabs and line ends in it have their effect.

    Args:
        text: what to print.
        err: to standard error.
        flush: at once, also where the output is a file or a pipe.
    """
    stream = sys.stderr if err else sys.stdout
    line = printable(text, keep="\t\n") + "\n"
    encoding = stream.encoding or "utf-8"
    stream.write(line.encode(encoding, "backslashreplace").decode(encoding))
    if flush:
        stream.flush()


def _escape(character: str) -> str:
    return _SHORT.get(character) or f"\\u{ord(character):04x}"  # in JSON it means the same
