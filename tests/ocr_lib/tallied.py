"""Evaluation reports of made-up readings, counted as an evaluation counts."""

from collections.abc import Sequence

from ocr_lib.evaluation.report import EvalReport, PredictedSample
from ocr_lib.evaluation.score import MetricAccumulator
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition

LATIN = Charset(tuple("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,- "), False)


def tallied(
    truths: Sequence[str],
    texts: Sequence[str | None],
    *,
    names: Sequence[str] = (),
    scores: Sequence[float] = (),
    dictionary: Charset = LATIN,
) -> EvalReport:
    """Returns the report of a model that reads `texts`; None is an unreadable image."""
    tally = MetricAccumulator(dictionary, worst=5, watch=frozenset(), total=len(truths))
    for i, (truth, text) in enumerate(zip(truths, texts, strict=True)):
        line = PredictedSample(
            index=i,
            name=names[i] if names else f"labels.txt:{i + 1}",
            label=truth,
            recognition=Recognition(
                text or "",
                scores[i] if scores else 0.9,
                error="no image" if text is None else None,
            ),
            image=truth.encode(),
        )
        tally.add(line, "64" if len(truth) < 8 else "128")
    return tally.report(1.0)
