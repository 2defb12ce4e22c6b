"""Which characters are read worst, and what is read in their place."""

from collections.abc import Mapping
from html import escape
from unicodedata import name

from ocr_lib.evaluation.characters import Recall
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.report.formatting import percent, points

SHOWN = 12
VISIBLE_SPACE = "␣"  # where a space is what is wrong, it must be seen


def characters(report: EvalReport, champion: EvalReport | None) -> str:
    """Returns the section, empty where the report has no such counts."""
    if not report.characters:
        return ""
    reference = champion.characters if champion else {}
    return (
        '<section><h2>Characters</h2><div class="two"><div>'
        f"{_recalls(report.characters, reference)}</div><div>{_confusions(report)}</div></div>"
        "</section>"
    )


def _recalls(candidate: Mapping[str, Recall], champion: Mapping[str, Recall]) -> str:
    """Lists the characters of which most occurrences are missed, or most were lost."""
    ranked = sorted(candidate.items(), key=lambda item: (item[1].hits - item[1].count, item[0]))
    column = '<th scope="col" class="number">change</th>' if champion else ""
    rows = "".join(
        f"<tr><th scope='row'>{shown(character)}</th>"
        f'<td class="number">{recall.count - recall.hits:,} of {recall.count:,}</td>'
        f'<td class="number">{percent(recall.recall)}</td>'
        f"{_change(recall, champion.get(character)) if champion else ''}</tr>"
        for character, recall in ranked[:SHOWN]
        if recall.hits < recall.count
    )
    if not rows:
        return "<p>Every character of the labels was read.</p>"
    return (
        "<table><caption>Missed most often</caption><thead><tr>"
        '<th scope="col">character</th><th scope="col" class="number">missed</th>'
        f'<th scope="col" class="number">recall</th>{column}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _change(recall: Recall, other: Recall | None) -> str:
    words = "–" if other is None else points(recall.recall - other.recall).removesuffix(" points")
    return f'<td class="number">{words}</td>'


def _confusions(report: EvalReport) -> str:
    if not report.confusions:
        return ""
    rows = "".join(
        f"<tr><td>{shown(pair.truth)}</td><td>{shown(pair.read)}</td>"
        f'<td class="number">{pair.count:,}</td></tr>'
        for pair in report.confusions[:SHOWN]
    )
    return (
        "<table><caption>Confused most often</caption><thead><tr>"
        '<th scope="col">truth</th><th scope="col">read as</th>'
        f'<th scope="col" class="number">times</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def shown(character: str) -> str:
    """Returns a character as a boxed glyph with its Unicode name as the tooltip."""
    if not character:
        return '<span class="soft">nothing</span>'
    title = escape(name(character, f"U+{ord(character):04X}").lower(), quote=True)
    glyph = escape(VISIBLE_SPACE if character == " " else character)
    return f'<span class="glyph" title="{title}">{glyph}</span>'
