"""Whether scores mean what they say: exact lines by score, as a diagram."""

from collections.abc import Iterator

from ocr_lib.evaluation.report import Bin, EvalReport
from ocr_lib.report.formatting import percent

SIZE, LEFT, TOP, BOTTOM = 260, 44, 10, 40  # px
COUNTS = 56  # height of the histogram below, px


def reliability(report: EvalReport, champion: EvalReport | None) -> str:
    """Returns the section, empty where the report has no scores."""
    error = report.calibration_error
    if error is None:
        return ""
    against = ""
    if champion is not None and champion.calibration_error is not None:
        against = f"; the serving model's: {percent(champion.calibration_error)}"
    return (
        '<section><h2>Reliability of scores</h2><div class="two"><div>'
        f"{_diagram(report)}</div><div><p>Each dot is the lines of one range of scores: how sure "
        "the model was, and how many of them it read exactly. On the dashed line a score is the "
        "chance that the line is right; below it the model is too sure. The area of a dot, and "
        "the bars below, are the number of lines.</p>"
        f"<p>Expected calibration error: <strong>{percent(error)}</strong>{against}.</p>"
        f"{_table(report)}</div></div></section>"
    )


def _diagram(report: EvalReport) -> str:
    bins, most = report.reliability, max(part.lines for part in report.reliability)
    height = TOP + SIZE + BOTTOM + COUNTS
    words = (
        f"Share of exact lines by score; expected calibration error "
        f"{percent(report.calibration_error or 0.0)}"
    )
    return (
        f'<svg class="reliability" viewBox="0 0 {LEFT + SIZE + 12} {height}" role="img" '
        f'aria-label="{words}">{"".join(_axes())}'
        f"{''.join(_marks(bins, most))}</svg>"
    )


def _axes() -> Iterator[str]:
    for step in range(0, 101, 25):
        x, y = LEFT + SIZE * step / 100, TOP + SIZE * (1 - step / 100)
        yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{LEFT + SIZE}" y2="{y}"/>'
        yield f'<line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{TOP + SIZE}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{step} %</text>'
        yield f'<text x="{x}" y="{TOP + SIZE + 16}" text-anchor="middle">{step / 100:g}</text>'
    yield (
        f'<line class="ideal" x1="{LEFT}" y1="{TOP + SIZE}" x2="{LEFT + SIZE}" y2="{TOP}"/>'
        f'<text x="{LEFT + SIZE / 2}" y="{TOP + SIZE + 32}" text-anchor="middle">score</text>'
    )


def _marks(bins: tuple[Bin, ...], most: int) -> Iterator[str]:
    width, base = SIZE / len(bins), TOP + SIZE + BOTTOM + COUNTS
    for number, part in enumerate(bins):
        if not part.lines:
            continue
        share = part.correct / part.lines
        tall = max(1.0, (COUNTS - 6) * part.lines / most)
        yield (
            f'<rect x="{LEFT + number * width + 1:.1f}" y="{base - tall:.1f}" '
            f'width="{width - 2:.1f}" height="{tall:.1f}"/>'
        )
        yield (
            f'<circle cx="{LEFT + SIZE * part.score:.1f}" cy="{TOP + SIZE * (1 - share):.1f}" '
            f'r="{3 + 7 * (part.lines / most) ** 0.5:.1f}"><title>score {part.score:.2f}: '
            f"{part.correct:,} of {part.lines:,} lines exact</title></circle>"
        )


def _table(report: EvalReport) -> str:
    """Returns the same as figures, for who cannot see the diagram."""
    rows = "".join(
        f"<tr><td>{number / len(report.reliability):.2f} – "
        f'{(number + 1) / len(report.reliability):.2f}</td><td class="number">{part.lines:,}</td>'
        f'<td class="number">{part.score:.3f}</td>'
        f'<td class="number">{percent(part.correct / part.lines)}</td></tr>'
        for number, part in enumerate(report.reliability)
        if part.lines
    )
    return (
        '<details><summary>The figures</summary><table><thead><tr><th scope="col">scores</th>'
        '<th scope="col" class="number">lines</th><th scope="col" class="number">mean score</th>'
        '<th scope="col" class="number">read exactly</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></details>"
    )
