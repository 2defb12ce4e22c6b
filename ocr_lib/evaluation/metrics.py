"""Accuracy and edit distances of recognised text.

Source: PaddleOCR `ppocr/metrics/rec_metric.py` (RecMetric): the same values, eps included.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypedDict

from rapidfuzz.distance import Levenshtein

from ocr_lib.config.component import Table, parse_component
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import ComponentConfig

EPS = 1e-5  # PaddleOCR's: a perfect result prints 0.999… and an empty one divides by no zero
_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]+")


class RecSummary(TypedDict):
    """PaddleOCR's two figures."""

    acc: float
    norm_edit_dis: float


@dataclass(frozen=True, kw_only=True)
class RecMetricConfig:
    """The block `Metric`.

    Attributes:
        main_indicator: the value that chooses the best checkpoint.
        ignore_space: spaces do not count.
        is_filter: only ASCII letters and digits count, without case.
    """

    main_indicator: Literal["acc", "norm_edit_dis"] = "acc"
    ignore_space: bool = True
    is_filter: bool = False


@dataclass(frozen=True, kw_only=True)
class DistillationMetricConfig(RecMetricConfig):
    """The block `Metric` of several networks.

    Attributes:
        base_metric_name: what is computed.
        key: the network that is evaluated.
    """

    base_metric_name: Literal["RecMetric"] = "RecMetric"
    key: str = "Student"


METRICS: Table = {"RecMetric": RecMetricConfig, "DistillationMetric": DistillationMetricConfig}


def metric_config(config: ComponentConfig) -> RecMetricConfig:
    """Returns the arguments of the block `Metric`.

    Raises:
        ConfigError: an unknown name or argument, or a value of the wrong type.
    """
    parsed: RecMetricConfig = parse_component(METRICS, config, SourceLocation(("Metric",), {}))
    return parsed


class RecMetric:
    """Accumulates PaddleOCR's `acc` and `norm_edit_dis` (a similarity: 1 is perfect).

    Args:
        ignore_space: spaces do not count, PaddleOCR's default. An accuracy that is to be believed
            needs False: a model that lost every space looks perfect otherwise.
        is_filter: only ASCII letters and digits count, without case.
    """

    def __init__(self, ignore_space: bool = True, is_filter: bool = False) -> None:
        self.ignore_space = ignore_space
        self.is_filter = is_filter
        self.reset()

    @classmethod
    def of(cls, config: ComponentConfig) -> Self:
        """Returns the metric that the block `Metric` describes."""
        parsed = metric_config(config)
        return cls(parsed.ignore_space, parsed.is_filter)

    @property
    def suffix(self) -> str:
        """What the names of these two values end with in an evaluation report."""
        if self.is_filter:  # takes spaces out as well
            return "_is_filter"
        return "_ignore_space" if self.ignore_space else ""

    def reset(self) -> None:
        """Forgets everything."""
        self.samples = 0
        self.correct = 0
        self.distance = 0.0

    def update(self, predictions: Sequence[str], targets: Sequence[str]) -> None:
        """Adds pairs of texts.

        Raises:
            ValueError: there are not as many predictions as targets.
        """
        if len(predictions) != len(targets):
            raise ValueError(f"{len(predictions)} predictions for {len(targets)} targets")
        pairs = zip(predictions, targets, strict=True)
        wrong = [pair for pair in pairs if pair[0] != pair[1]]  # the others are at distance 0
        self.samples += len(targets)
        self.correct += len(targets) - len(wrong)
        if wrong:
            self._update_wrong(*zip(*wrong, strict=True))

    def _update_wrong(self, predictions: Sequence[str], targets: Sequence[str]) -> None:
        if self.ignore_space:
            predictions, targets = _without_spaces(predictions), _without_spaces(targets)
        if self.is_filter:
            predictions, targets = _alphanumeric(predictions), _alphanumeric(targets)
        distances = list(map(Levenshtein.normalized_distance, predictions, targets))
        self.correct += distances.count(0.0)
        self.distance += sum(distances)

    def summary(self) -> RecSummary:
        """Returns PaddleOCR's figures of everything added since the last reset."""
        samples = self.samples + EPS
        return {
            "acc": self.correct / samples,
            "norm_edit_dis": 1 - self.distance / samples,
        }


def cer(predictions: Sequence[str], targets: Sequence[str]) -> float:
    """Returns the character error rate: edits divided by characters of the targets, from 0.

    Raises:
        ValueError: there are not as many predictions as targets.
    """
    if len(predictions) != len(targets):
        raise ValueError(f"{len(predictions)} predictions for {len(targets)} targets")
    edits = sum(map(Levenshtein.distance, predictions, targets))
    return edits / max(sum(map(len, targets)), 1)


def _without_spaces(texts: Sequence[str]) -> Sequence[str]:
    # One replacement over all texts costs a fifth of one each; a text with a line feed spoils it.
    parts = "\n".join(texts).replace(" ", "").split("\n")
    return parts if len(parts) == len(texts) else [text.replace(" ", "") for text in texts]


def _alphanumeric(texts: Sequence[str]) -> list[str]:
    return [_NOT_ALPHANUMERIC.sub("", text).lower() for text in texts]
