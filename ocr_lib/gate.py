"""Whether a trained model may replace the one that serves: a pure decision with its reasons.

| reason | passes when |
| --- | --- |
| samples | the evaluation set has at least `min_samples` lines |
| readable images | at most `max_unreadable_share` of them could not be decoded |
| accuracy | exact lines (spaces counted) reach `min_accuracy` |
| norm_edit_dis | the normalised edit similarity reaches `min_norm_edit_dis` |
| champion | there is none (first run), or it was evaluated on the same lines (digest) |
| accuracy drop | the candidate is at most `max_accuracy_drop` below the champion |
| paired test | the candidate is not worse with confidence `confidence` |

The last two rows exist only with a champion on the same lines. All rows must pass.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from ocr_lib.errors import ConfigError
from ocr_lib.eval_report import EvalReport

# Least and greatest value of a threshold; shares are 0 to 1.
BOUNDS: dict[str, tuple[float, float]] = {
    "min_samples": (1, math.inf),
    "confidence": (0.5, 0.9999),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """What a candidate must reach. Shares are fractions of 1.

    Attributes:
        min_accuracy: smallest share of lines read exactly, spaces counted.
        min_norm_edit_dis: smallest normalised edit similarity.
        min_samples: smallest evaluation set on which a verdict means something.
        max_unreadable_share: largest share of evaluation images that cannot be decoded.
        max_accuracy_drop: how far below the champion's accuracy the candidate may be.
        confidence: of the paired test; 0.95 refuses an equally good candidate once in 20 runs.
    """

    min_accuracy: float = 0.0
    min_norm_edit_dis: float = 0.0
    min_samples: int = 100
    max_unreadable_share: float = 0.01
    max_accuracy_drop: float = 0.01
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = BOUNDS.get(field.name, (0.0, 1.0))
            value = getattr(self, field.name)
            if type(value) not in (int, float) or not low <= value <= high:
                raise ConfigError(
                    f"gate.{field.name}", f"{value!r} is not from {low} to {high}", "Correct it"
                )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Builds thresholds from configuration values; an unknown name is a `ConfigError`."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise ConfigError(f"gate.{name}", "unknown threshold", f"Known: {', '.join(known)}")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of the verdict.

    Attributes:
        name: the row's name in the table above.
        passed: whether the candidate may serve as far as this row goes.
        candidate: the candidate's figure, where the row has one.
        limit: what the figure was held against.
        champion: the champion's figure, where the row compares.
        words: the row as a sentence.
    """

    name: str
    passed: bool
    candidate: float | None
    limit: float | None
    champion: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision: passed when every reason did."""

    passed: bool
    reasons: tuple[Reason, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the verdict as JSON-ready values."""
        return {"passed": self.passed, "reasons": [asdict(reason) for reason in self.reasons]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` returned."""
        return cls(values["passed"], tuple(Reason(**reason) for reason in values["reasons"]))


def decide(candidate: EvalReport, champion: EvalReport | None, thresholds: Thresholds) -> Verdict:
    """Decides whether `candidate` may serve.

    Args:
        candidate: the new model's evaluation.
        champion: the serving model's evaluation on the same lines; None on the first run, where
            only the thresholds decide.
        thresholds: what to hold it against.
    """
    reasons = (
        *_against_thresholds(candidate, thresholds),
        *_against(champion, candidate, thresholds),
    )
    return Verdict(all(reason.passed for reason in reasons), reasons)


def _against_thresholds(report: EvalReport, limits: Thresholds) -> Iterator[Reason]:
    yield Reason(
        "samples",
        report.samples >= limits.min_samples,
        report.samples,
        limits.min_samples,
        None,
        f"evaluated on {report.samples} lines, at least {limits.min_samples} are needed",
    )
    share = report.unreadable / max(report.samples, 1)
    yield Reason(
        "readable images",
        share <= limits.max_unreadable_share,
        share,
        limits.max_unreadable_share,
        None,
        f"{report.unreadable} of {report.samples} images could not be decoded, "
        f"at most {limits.max_unreadable_share:.2%} may",
    )
    yield _at_least("accuracy", "lines read exactly", report.accuracy, limits.min_accuracy)
    yield _at_least(
        "norm_edit_dis", "edit similarity", report.norm_edit_dis, limits.min_norm_edit_dis
    )


def _at_least(name: str, what: str, value: float, limit: float) -> Reason:
    passed = value >= limit  # false for NaN
    words = f"{what}: {value:.4f}, {'at least' if passed else 'below the'} {limit:.4f} asked for"
    return Reason(name, passed, value, limit, None, words)


def _against(
    champion: EvalReport | None, candidate: EvalReport, limits: Thresholds
) -> Iterator[Reason]:
    if champion is None:
        words = "no model serves yet: the thresholds alone decide"
        yield Reason("champion", True, None, None, None, words)
        return
    same = champion.dataset_digest == candidate.dataset_digest
    words = (
        "evaluated on the same lines as the serving model"
        if same
        else "the serving model was evaluated on other lines: evaluate it again on this set"
    )
    yield Reason("champion", same, None, None, None, words)
    if same:
        yield _accuracy_drop(champion, candidate, limits)
        yield _paired(champion, candidate, limits)


def _accuracy_drop(champion: EvalReport, candidate: EvalReport, limits: Thresholds) -> Reason:
    floor = champion.accuracy - limits.max_accuracy_drop
    change = candidate.accuracy - champion.accuracy
    return Reason(
        "accuracy drop",
        candidate.accuracy >= floor - 1e-12,  # 0.91 - 0.01 is not quite 0.90
        candidate.accuracy,
        floor,
        champion.accuracy,
        f"accuracy {change:+.4f} against the serving model's {champion.accuracy:.4f}, "
        f"a drop of {limits.max_accuracy_drop:.4f} is allowed",
    )


def _paired(champion: EvalReport, candidate: EvalReport, limits: Thresholds) -> Reason:
    pairs = list(zip(candidate.outcomes, champion.outcomes, strict=True))
    wins, losses = pairs.count((1, 0)), pairs.count((0, 1))
    allowed = 1.0 - limits.confidence
    chance, gain = sign_test(wins, losses), sign_test(losses, wins)
    passed = chance > allowed
    finding = "better" if gain <= allowed else "no worse" if passed else "worse"
    return Reason(
        "paired test",
        passed,
        chance,
        allowed,
        None,
        f"{wins} lines only the candidate reads, {losses} only the serving model: "
        f"{finding} at {limits.confidence:.0%} confidence "
        f"(p = {min(chance, gain):.2g})",
    )


def sign_test(wins: int, losses: int) -> float:
    """Returns how likely at least `losses` losses are if both models were equally good.

    The exact one-sided McNemar test: lines on which the models agree say nothing, and each of the
    others is a fair coin under equality.

    Source: McNemar (1947), exact binomial form.
    """
    total = wins + losses
    whole = math.lgamma(total + 1) - total * math.log(2.0)
    tail = math.fsum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(total - k + 1))
        for k in range(losses, total + 1)
    )
    return min(1.0, tail)
