"""Accuracy by slice: bars of both models, and the change with its interval."""

from collections.abc import Iterator
from html import escape

from ocr_lib.evaluation.report import EvalReport, Slice
from ocr_lib.report.changes import Changes, picture
from ocr_lib.report.formatting import percent

SECTIONS = (
    ("By label length", "characters", "length"),
    ("By image width", "width bucket, px", "width"),
    ("By what the label has", "lines with", "class"),
    ("By script", "lines with", "script"),
    ("By source", "label list or folder", "source"),
)


def slices(report: EvalReport, champion: EvalReport | None, changes: Changes) -> str:
    """Returns a section for every kind of slice that says more than the whole."""
    return "".join(
        _section(*section, report, champion, changes)
        for section in SECTIONS
        if len(getattr(report, f"by_{section[2]}")) > (section[2] in ("script", "source"))
    )


def _section(
    heading: str,
    unit: str,
    dimension: str,
    report: EvalReport,
    champion: EvalReport | None,
    changes: Changes,
) -> str:
    parts: tuple[Slice, ...] = getattr(report, f"by_{dimension}")
    champion_slices = {part.name: part for part in getattr(champion, f"by_{dimension}", ())}
    if champion_slices.keys() != {part.name for part in parts}:
        champion_slices = {}  # the serving model has other width buckets, or an old report
    key = columns = ""
    if champion_slices:
        columns = '<th scope="col" class="number">serving</th>'
        if changes:
            columns += '<th scope="col" class="change">change, 95 % interval</th>'
        key = (
            '<p class="small soft"><span class="key"></span>candidate &nbsp; '
            '<span class="key champion"></span>serving model</p>'
        )
    rows = "".join(_rows(dimension, parts, champion_slices, changes))
    return (
        f"<section><h2>{heading}</h2>{key}<div class='scroll'><table><thead><tr>"
        f'<th scope="col">{unit}</th><th scope="col" class="number">lines</th>'
        f'<th class="bars"></th><th scope="col" class="number">read exactly</th>{columns}'
        '<th scope="col" class="number">edit similarity</th>'
        f'<th scope="col" class="number">F1 of spaces</th></tr></thead><tbody>{rows}</tbody>'
        "</table></div></section>"
    )


def _rows(
    dimension: str, parts: tuple[Slice, ...], champion_slices: dict[str, Slice], changes: Changes
) -> Iterator[str]:
    reach = changes.reach([(dimension, part.name) for part in parts])
    for part in parts:
        bars = f'<div class="bar" style="width:{part.accuracy:.1%}"></div>'
        columns = ""
        if champion_slices:
            other = champion_slices[part.name]
            bars += f'<div class="bar champion" style="width:{other.accuracy:.1%}"></div>'
            columns = f'<td class="number">{percent(other.accuracy)}</td>'
            if changes:
                shown = picture(changes.of((dimension, part.name)), reach)
                columns += f'<td class="change">{shown}</td>'
        spaces = "–" if part.space_f1 is None else percent(part.space_f1)
        yield (
            f'<tr><th scope="row">{escape(part.name)}</th>'
            f'<td class="number">{part.samples:,}</td><td class="bars">{bars}</td>'
            f'<td class="number">{percent(part.accuracy)}</td>{columns}'
            f'<td class="number">{percent(part.norm_edit_dis)}</td>'
            f'<td class="number">{spaces}</td></tr>'
        )
