"""The worst lines as pictures, each with the truth and what the models read."""

import base64
from html import escape

from rapidfuzz.distance import Levenshtein

from ocr_lib.evaluation.report import EvalReport, PredictedSample
from ocr_lib.report.characters import VISIBLE_SPACE


def worst_samples(report: EvalReport, champion: EvalReport | None) -> str:
    """Returns the section, empty where no line is wrong."""
    if not report.worst:
        return ""
    watched = champion.watched if champion else {}
    lines = "".join(_line(line, watched.get(line.index)) for line in report.worst)
    return (
        f"<section><h2>Worst lines</h2><p class='soft small'>The {len(report.worst)} lines "
        "furthest from their labels, the confident ones first; differences from the truth are "
        f"marked.</p>{lines}</section>"
    )


def _line(line: PredictedSample, champion_text: str | None) -> str:
    picture = '<span class="soft">no picture</span>'
    if line.image:
        content = base64.b64encode(line.image).decode("ascii")
        picture = f'<img alt="image of the line" src="data:image/png;base64,{content}">'
    rows = [
        ("truth", escape(line.label)),
        ("candidate", _marked(line.label, line.recognition.text)),
    ]
    if champion_text is not None:
        rows.append(("serving", _marked(line.label, champion_text)))
    cells = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows)
    return (
        f'<div class="line"><div>{picture}</div><dl>{cells}</dl>'
        f'<div class="from">{escape(line.name)}, score {line.recognition.score:.2f}</div></div>'
    )


def _marked(truth: str, text: str) -> str:
    """Returns `text` with what differs from `truth` marked; a gap is marked too."""
    if not text:
        return "<mark>nothing</mark>"
    parts = []
    for step in Levenshtein.opcodes(truth, text):
        piece = text[step.dest_start : step.dest_end]
        if step.tag == "equal":
            parts.append(escape(piece))
        else:
            shown = escape(piece.replace(" ", VISIBLE_SPACE))
            parts.append(f"<mark>{shown or '&#8202;&#8202;'}</mark>")
    return "".join(parts)
