"""The report as one HTML page that needs nothing else: no scripts, fonts or network.

KFP's user interface shows it in a sandboxed frame; pictures are `data:` URIs.
"""

from html import escape

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import Verdict
from ocr_lib.report.changes import Changes
from ocr_lib.report.characters import characters
from ocr_lib.report.formatting import judged
from ocr_lib.report.reliability import reliability
from ocr_lib.report.sample_table import worst_samples
from ocr_lib.report.slices import slices
from ocr_lib.report.style import STYLE
from ocr_lib.report.summary_cards import summary_cards


def html(
    report: EvalReport,
    verdict: Verdict | None = None,
    champion: EvalReport | None = None,
    *,
    decisions: int | None = None,
    title: str = "Text recognition: evaluation",
) -> str:
    """Returns the page.

    Args:
        report: the model evaluated, the candidate.
        verdict: the gate's decision, where there was one.
        champion: the serving model on the same lines; evaluated with the candidate's worst lines
            as `watch`, its texts stand beside them.
        decisions: on how many candidates the test set has decided, this one counted.
        title: heading of the page.
    """
    if champion is not None and champion.dataset_digest != report.dataset_digest:
        champion = None  # figures of other lines do not stand side by side
    changes = Changes(report, champion)
    body = "".join(
        [
            _heading(report, title, decisions),
            _verdict(verdict),
            summary_cards(report, champion, changes),
            _reasons(verdict),
            slices(report, champion, changes),
            characters(report, champion),
            reliability(report, champion),
            _errors(report),
            worst_samples(report, champion),
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _heading(report: EvalReport, title: str, decisions: int | None) -> str:
    rate = report.samples / max(report.seconds, 1e-9)
    count = f"<br>{escape(judged(decisions))}" if decisions else ""
    return (
        f'<h1>{escape(title)}</h1><p class="soft">{report.samples:,} lines in '
        f"{report.seconds:.1f} s ({rate:,.0f} lines/s), data set "
        f"<code>{escape(report.dataset_digest[:12])}</code>{count}</p>"
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


def _reasons(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    rows = "".join(
        f'<tr><td class="state {"good" if reason.passed else "bad"}">'
        f"{'✓ pass' if reason.passed else '✗ fail'}</td>"
        f'<th scope="row" class="name">{escape(reason.name)}</th>'
        f"<td>{escape(reason.words)}</td></tr>"
        for reason in verdict.reasons
    )
    head = (
        '<tr><th scope="col">state</th><th scope="col">condition</th><th scope="col">finding</th>'
    )
    return (
        f"<section><h2>What the gate asked for</h2><div class='scroll'><table><thead>{head}</tr>"
        f"</thead><tbody>{rows}</tbody></table></div></section>"
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
