"""The pipeline's parameter `options`: one document with everything that few runs change.

Each block is a frozen dataclass, read by the parser of configurations, so that a wrong key is
answered with its place and the nearest name. `parse_options` is what `ocr pipeline run` asks before
it submits a run, and what the step `plan` asks first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ocr_lib.config.checks import above, probability
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import parse, whole_numbers
from ocr_lib.data.labels.find import Mode
from ocr_lib.data.roles import SplitRule
from ocr_lib.gate import Thresholds
from ocr_lib.runspec.job_options import JobOptions

OPTIONS = "options"  # the parameter's name
MAX_PODS = 64  # of a loop, side by side
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Sha256Options:
    """Digests that the sources must have; empty where none is known.

    Attributes:
        train: hex SHA-256 of the file at `train_data_uri`, or of the folder's content.
        test: the same of `test_data_uri`.
        validation: the same of `validation_data_uri`.
    """

    train: str = ""
    test: str = ""
    validation: str = ""

    def __post_init__(self) -> None:
        for name in ("train", "test", "validation"):
            value = getattr(self, name)
            if value and not _SHA256.fullmatch(value):
                fix = "Write 64 hexadecimal digits, as sha256sum prints them"
                raise FieldError(self, name, f"is {value!r}", fix)


@dataclass(frozen=True, slots=True)
class PackingOptions:
    """How converting and packing is shared out.

    Attributes:
        max_pods: largest number of pods side by side, 1 to 64.
        gib_per_pod: GiB of archives that are worth a pod of its own.
    """

    max_pods: int = 16
    gib_per_pod: float = 8.0

    def __post_init__(self) -> None:
        _check_pods(self)
        above(self, 0, "gib_per_pod")


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """How the prediction of the test set is shared out.

    Attributes:
        max_pods: largest number of pods side by side, 1 to 64.
    """

    max_pods: int = 1

    def __post_init__(self) -> None:
        _check_pods(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class GateOptions(Thresholds):
    """The thresholds of `ocr gate`, with the floors that a model of the pipeline must reach."""

    min_accuracy: float = 0.5
    min_norm_edit_dis: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """All options of a run.

    Attributes:
        dataset_name: names the data set in the object store.
        label_format: rec and det (ICDAR), list (PaddleOCR), or auto: recognised from the file.
        max_bad_fraction: share of unusable samples at which to give up, 0 to 1.
        config_overrides: `Key.sub=value` each, as `-o` takes them.
        sha256: digests that the sources must have.
        split: how the validation set is split off the training data.
        pack: how converting and packing is shared out.
        evaluate: how the prediction of the test set is shared out.
        gate: what the candidate must reach.
        train_job: queue, deadlines and retries of a training job on a cluster.
    """

    dataset_name: str = "lines"
    label_format: Mode = "auto"
    max_bad_fraction: float = 0.01
    config_overrides: tuple[str, ...] = ()
    sha256: Sha256Options = field(default_factory=Sha256Options)
    split: SplitRule = field(default_factory=SplitRule)
    pack: PackingOptions = field(default_factory=PackingOptions)
    evaluate: EvaluateOptions = field(default_factory=EvaluateOptions)
    gate: GateOptions = field(default_factory=GateOptions)
    train_job: JobOptions = field(default_factory=JobOptions)

    def __post_init__(self) -> None:
        probability(self, "max_bad_fraction")
        if not _NAME.fullmatch(self.dataset_name):
            cause = f"is {self.dataset_name!r}, which cannot be part of an object's key"
            raise FieldError(self, "dataset_name", cause, "Use letters, digits, dots and hyphens")


def parse_options(values: Mapping[str, Any], location: SourceLocation | None = None) -> RunOptions:
    """Reads options as a pipeline's parameter holds them: 3 may come as 3.0.

    Args:
        values: the document.
        location: where it was written.

    Raises:
        ConfigError: names the key, the cause, and the nearest known key.
    """
    return parse(RunOptions, whole_numbers(values), location or SourceLocation((OPTIONS,), {}))


def _check_pods(block: PackingOptions | EvaluateOptions) -> None:
    if not 1 <= block.max_pods <= MAX_PODS:
        raise FieldError(block, "max_pods", f"is {block.max_pods}", f"Write 1 to {MAX_PODS}")
