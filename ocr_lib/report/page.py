"""The report as one HTML page that needs nothing else: no scripts, fonts or network.

The modules next to this one gather what its sections show; `templates/` says how. Everything that
a variable holds is escaped. KFP's user interface shows the page in a sandboxed frame; pictures are
`data:` URIs.
"""

from base64 import b64encode
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import Verdict
from ocr_lib.report.changes import Changes
from ocr_lib.report.characters import marked, most_missed, unicode_name, visible
from ocr_lib.report.formatting import judged, percent, signed
from ocr_lib.report.slices import slices
from ocr_lib.report.summary_cards import summary_cards

SHOWN = 12  # characters, and confusions


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
    return _environment().get_template("page.html").render(
        title=title,
        report=report,
        rate=report.samples / max(report.seconds, 1e-9),
        decisions=decisions,
        verdict=verdict,
        champion=champion,
        cards=summary_cards(report, champion, changes),
        sections=slices(report, champion, changes),
        missed=most_missed(report, SHOWN),
        confusions=report.confusions[:SHOWN],
    )  # fmt: skip


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ocr_lib.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "base64": lambda content: b64encode(content).decode("ascii"),
        "count": lambda number: f"{number:,.0f}",
        "judged": judged,
        "marked": marked,
        "percent": percent,
        "signed": signed,
        "unicode_name": unicode_name,
        "visible": visible,
    }
    return environment
