"""The pipeline's parameters: twelve, each with a default that works."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ocr_lib.config.checks import at_least
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import parse, whole_numbers
from ocr_lib.runspec.options import RunOptions

MAX_WORKERS = 1000

BackendParameter = Literal["auto", "local", "paddlejob", "trainjob"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunParameters:
    """What a run is asked for.

    Attributes:
        train_data_uri: folder, tar or zip of labelled lines to learn from, or a folder of such
            archives, which are packed side by side.
        test_data_uri: the same for the samples that decide whether the model may serve.
        validation_data_uri: the same for the samples that choose the checkpoint; empty: they are
            split off the samples to learn from.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        pretrained_uri: weights to start from (`.pdparams`); empty for none.
        train_minutes: how long to train; 0 leaves it to the configuration.
        train_backend: `local` trains in the step itself, `paddlejob` in pods of its own; `auto`
            takes the latter where the pipeline runs in a cluster.
        train_workers: how many pods train together, with paddlejob.
        model_name: the model's name in Triton and in the registry.
        skip_if_unchanged: end at the first step, as a success, where production was made of the
            same data, configuration and settings.
        triton_urls: `host:port` of the gRPC protocol of every server; a name may stand for several.
        options: everything else.
    """

    train_data_uri: str = "s3://ocr/sources/train.tar"
    test_data_uri: str = "s3://ocr/sources/test.tar"
    validation_data_uri: str = ""
    config: str = "cpu_line"
    pretrained_uri: str = ""
    train_minutes: float = 60.0
    train_backend: BackendParameter = "auto"
    train_workers: int = 1
    model_name: str = "ocr"
    skip_if_unchanged: bool = False
    triton_urls: tuple[str, ...] = ("triton-each:8001",)
    options: RunOptions = field(default_factory=RunOptions)

    def __post_init__(self) -> None:
        at_least(self, 0, "train_minutes")
        if self.train_backend == "trainjob":
            cause = "is trainjob, which this version does not support yet"
            raise FieldError(self, "train_backend", cause, "Write auto, paddlejob or local")
        if not 1 <= self.train_workers <= MAX_WORKERS:
            cause = f"is {self.train_workers}, which is not a number of pods"
            raise FieldError(self, "train_workers", cause, f"Write 1 to {MAX_WORKERS}")


def parse_parameters(
    values: Mapping[str, Any], location: SourceLocation | None = None
) -> RunParameters:
    """Reads a run's parameters.

    Args:
        values: by name; those left out have their defaults.
        location: where they were written.

    Raises:
        ConfigError: names the parameter or the key of `options`, the cause, and the fix.
    """
    return parse(RunParameters, whole_numbers(values), location or SourceLocation((), {}))
