"""What garbage collection keeps, and for how long: one document, with defaults that are safe."""

import math
from dataclasses import dataclass, fields
from pathlib import Path

from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import parse
from ocr_lib.config.strict_yaml import dump
from ocr_lib.config.strict_yaml import parse as parse_yaml
from ocr_lib.errors import ConfigError
from ocr_lib.regular_file import read_bounded
from ocr_lib.runspec.partition import CACHE_DAYS

DAY_S = 86_400.0
MAX_POLICY_BYTES = 1 << 20
DAYS = "_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """How long what nothing needs is kept, in days since its last use; null is for ever.

    What a kept version or a run of the last `runs_days` needs is kept however old it is, and so
    are decisions and the records of versions.

    Attributes:
        min_age_s: nothing younger than this is deleted, whatever else is written here.
        keep_versions: number of newest versions of a model to keep, besides the one in production
            and its predecessor.
        versions_days: other versions in the model repository, with their golden images.
        bundles_days: bundles in the registry.
        runs_days: checkpoints, logs and results of training; runs of that age count as in use.
        predictions_days: predictions, by the last use of their run.
        evaluations_days: evaluation reports, by the last use of their run.
        specs_days: run specs and configurations.
        datasets_days: label lists and packed data sets. A run has to end within that time, and
            Kubeflow's cache names them for up to `CACHE_DAYS`.
        feedback_days: feedback samples, by the day and the last correction.
        sources_days: data as users have put it there.
        incomplete_days: uploads that never completed, and files whose manifest is gone.
    """

    min_age_s: float = 7 * DAY_S
    keep_versions: int = 5
    versions_days: float | None = 30.0
    bundles_days: float | None = 90.0
    runs_days: float | None = 90.0
    predictions_days: float | None = 90.0
    evaluations_days: float | None = 365.0
    specs_days: float | None = 365.0
    datasets_days: float | None = 90.0
    feedback_days: float | None = 365.0
    sources_days: float | None = None
    incomplete_days: float | None = 7.0

    def __post_init__(self) -> None:
        if not DAY_S <= self.min_age_s < math.inf:
            cause = f"is {self.min_age_s:g}, less than a day: a run may still be writing"
            raise FieldError(self, "min_age_s", cause, f"Write {DAY_S:.0f} or more")
        if self.keep_versions < 0:
            cause = f"is {self.keep_versions}"
            raise FieldError(self, "keep_versions", cause, "Write 0 or more")
        for item in fields(self):
            value = getattr(self, item.name)
            least = 2 * CACHE_DAYS if item.name == "datasets_days" else 0
            if item.name.endswith(DAYS) and value is not None and not least <= value < math.inf:
                cause = f"is {value:g}, and {least} is the least"
                why = ": Kubeflow's cache may name data sets of the last two periods" * bool(least)
                raise FieldError(self, item.name, cause + why, "Write more, or null for ever")

    def days(self, kind: str) -> float | None:
        """Returns how long a kind of item is kept; None is for ever."""
        days: float | None = getattr(self, f"{kind}{DAYS}")
        return days

    def to_yaml(self) -> str:
        """Returns the document that `load_policy` reads."""
        return dump({item.name: getattr(self, item.name) for item in fields(self)})


def load_policy(path: Path) -> RetentionPolicy:
    """Reads a policy; keys that it does not have keep their defaults.

    Raises:
        ConfigError: names file, line and key.
    """
    try:
        text = read_bounded(path, MAX_POLICY_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read ({error})", "Give a YAML file") from None
    values, locations = parse_yaml(text, str(path))
    return parse(RetentionPolicy, values, SourceLocation((), locations))
