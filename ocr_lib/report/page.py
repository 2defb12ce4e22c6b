"""The report as one HTML page that needs nothing else: no scripts, fonts or network.

KFP's user interface shows it in a sandboxed frame; pictures are `data:` URIs.
"""

from collections.abc import Iterator
from html import escape

from ocr_lib.eval_report import EvalReport, Slice
from ocr_lib.gate import Verdict
from ocr_lib.report.lines import worst_lines
from ocr_lib.report.numbers import percent, points, wilson
from ocr_lib.report.style import STYLE


def html(
    report: EvalReport,
    verdict: Verdict | None = None,
    champion: EvalReport | None = None,
    *,
    title: str = "Text recognition: evaluation",
) -> str:
    """Returns the page.

    Args:
        report: the model evaluated, the candidate.
        verdict: the gate's decision, where there was one.
        champion: the serving model on the same lines; evaluated with the candidate's worst lines
            as `watch`, its texts stand beside them.
        title: heading of the page.
    """
    if champion is not None and champion.dataset_digest != report.dataset_digest:
        champion = None  # figures of other lines do not stand side by side
    body = "".join(
        [
            _heading(report, title),
            _verdict(verdict),
            _tiles(report, champion),
            _reasons(verdict),
            _slices("By label length", "characters", report, champion, "by_length"),
            _slices("By image width", "width bucket, px", report, champion, "by_width"),
            _errors(report),
            worst_lines(report, champion),
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _heading(report: EvalReport, title: str) -> str:
    rate = report.samples / max(report.seconds, 1e-9)
    return (
        f'<h1>{escape(title)}</h1><p class="soft">{report.samples:,} lines in '
        f"{report.seconds:.1f} s ({rate:,.0f} lines/s), data set "
        f"<code>{escape(report.dataset_digest[:12])}</code></p>"
    )


def _verdict(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    failed = [reason.words for reason in verdict.reasons if not reason.passed]
    if verdict.passed:
        kind, sign, word = "good", "✓", "Accepted"
        text = "Every condition holds: this model may serve."
    else:
        kind, sign, word = "bad", "✗", "Refused"
        text = f"Production stays as it is: {'; '.join(failed)}."
    return (
        f'<section class="verdict {kind}"><span class="sign">{sign}</span>'
        f"<div><strong>{word}</strong><p>{escape(text)}</p></div></section>"
    )


def _tiles(report: EvalReport, champion: EvalReport | None) -> str:
    low, high = wilson(report.accuracy * report.samples, report.samples)
    rows = [
        (
            "Lines read exactly",
            percent(report.accuracy),
            f"95 % interval {low:.1%} – {high:.1%}",
            report.accuracy - champion.accuracy if champion else None,
        ),
        (
            "Edit similarity",
            percent(report.norm_edit_dis),
            "norm_edit_dis, spaces counted",
            report.norm_edit_dis - champion.norm_edit_dis if champion else None,
        ),
        (
            "Character errors",
            percent(report.cer),
            "edits over characters",
            report.cer - champion.cer if champion else None,
        ),
        (
            "Unreadable images",
            f"{report.unreadable:,}",
            "counted as wrong",
            None,
        ),
    ]
    tiles = []
    for name, value, note, change in rows:
        against = "" if change is None else f"<br>{points(change)} vs serving"
        tiles.append(
            f'<div class="tile"><span class="soft small">{name}</span><b>{value}</b>'
            f'<span class="soft small">{note}{against}</span></div>'
        )
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _reasons(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    rows = "".join(
        f'<tr><td class="state {"good" if reason.passed else "bad"}">'
        f"{'✓ pass' if reason.passed else '✗ fail'}</td>"
        f'<td class="name">{escape(reason.name)}</td><td>{escape(reason.words)}</td></tr>'
        for reason in verdict.reasons
    )
    return f"<section><h2>What the gate asked for</h2><table>{rows}</table></section>"


def _slices(
    heading: str, unit: str, report: EvalReport, champion: EvalReport | None, field: str
) -> str:
    slices: tuple[Slice, ...] = getattr(report, field)
    theirs = {part.name: part for part in getattr(champion, field)} if champion else {}
    if theirs.keys() != {part.name for part in slices}:
        theirs = {}  # the serving model has other width buckets
    rows = "".join(_slice_rows(slices, theirs))
    key = ""
    extra = ""
    if theirs:
        extra = '<th class="number">serving</th>'
        key = (
            '<p class="small soft"><span class="key" style="background:var(--bar)"></span>candidate'
            ' &nbsp; <span class="key" style="background:var(--bar-2)"></span>serving model</p>'
        )
    return (
        f"<section><h2>{heading}</h2>{key}<table><tr><th>{unit}</th>"
        f'<th class="number">lines</th><th class="bars"></th>'
        f'<th class="number">read exactly</th>{extra}<th class="number">edit similarity</th></tr>'
        f"{rows}</table></section>"
    )


def _slice_rows(slices: tuple[Slice, ...], theirs: dict[str, Slice]) -> Iterator[str]:
    for part in slices:
        bars = f'<div class="bar" style="width:{part.accuracy:.1%}"></div>'
        column = ""
        if theirs:
            other = theirs[part.name]
            bars += f'<div class="bar champion" style="width:{other.accuracy:.1%}"></div>'
            column = f'<td class="number">{percent(other.accuracy)}</td>'
        yield (
            f'<tr><td>{escape(part.name)}</td><td class="number">{part.samples:,}</td>'
            f'<td class="bars">{bars}</td><td class="number">{percent(part.accuracy)}</td>'
            f'{column}<td class="number">{percent(part.norm_edit_dis)}</td></tr>'
        )


def _errors(report: EvalReport) -> str:
    notes = [escape(error) for error in report.errors]
    if report.unreadable > len(notes):
        notes.append(f"… {report.unreadable - len(notes):,} more")
    parts = []
    if notes:
        parts.append(f"<p>{report.unreadable:,} images could not be read:</p>")
        parts.append("<ul>" + "".join(f"<li>{note}</li>" for note in notes) + "</ul>")
    if report.out_of_dictionary:
        parts.append(
            f"<p>{report.out_of_dictionary:,} labels have characters that the model's dictionary "
            "lacks: it cannot read them.</p>"
        )
    return f"<section><h2>In the data</h2>{''.join(parts)}</section>" if parts else ""
