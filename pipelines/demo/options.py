"""What the demo is asked for."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocr_lib.errors import ConfigError

IMPORT_RECORD = "import.json"  # what `ocr import` writes last
SYNTHETIC_NAME = "demo"


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """What to run on, for how long, and where to keep it.

    Attributes:
        out: folder of everything: S3 data, logs, report, summary.
        train: the samples to learn from, of which a validation set is split off: folder, tar or
            zip; None draws a synthetic data set.
        test: the samples that decide, in the same form.
        minutes: training budget.
        pretrained: weights to start from (`.pdparams`), or a folder that `ocr import` wrote.
        train_lines: size of the synthetic training set.
        test_lines: size of the synthetic test set.
        parameters: further parameters of the pipeline, which go before the demo's own.
    """

    out: Path
    train: Path | None = None
    test: Path | None = None
    minutes: float = 6.0
    pretrained: Path | None = None
    train_lines: int = 12_000
    test_lines: int = 1_000
    parameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.train is None) != (self.test is None):
            missing = "--test" if self.test is None else "--train"
            cause = "both data sets or none of them can be given"
            raise ConfigError(missing, cause, "Name the other one too")
        for path in (self.train, self.test, self.pretrained):
            if path is not None and not path.exists():
                raise ConfigError(str(path), "no such file or folder", "Check the path")
            if path is not None and path.is_dir() and not any(path.iterdir()):
                raise ConfigError(str(path), "an empty folder", "Name another one")
        if (
            self.pretrained
            and self.pretrained.is_dir()
            and not (self.pretrained / IMPORT_RECORD).exists()
        ):
            fix = "Give what `ocr import` wrote, or a .pdparams file"
            raise ConfigError(str(self.pretrained), f"no import ({IMPORT_RECORD} is missing)", fix)
        if self.pretrained and self.pretrained.is_file() and self.pretrained.suffix != ".pdparams":
            cause, fix = "no .pdparams file", "Give one, or a folder that `ocr import` wrote"
            raise ConfigError(str(self.pretrained), cause, fix)
        if self.minutes <= 0:
            raise ConfigError("--minutes", f"{self.minutes:g} is not a budget", "Give more than 0")

    @property
    def model_name(self) -> str:
        """The model's name: one for each training set, so that like is compared with like."""
        if "model_name" in self.parameters:
            return str(self.parameters["model_name"])
        if self.train is None:
            return SYNTHETIC_NAME
        stem = re.sub(r"[^A-Za-z0-9]+", "-", self.train.name.split(".")[0]).strip("-")
        return f"{SYNTHETIC_NAME}-{stem}"[:60].rstrip("-")
