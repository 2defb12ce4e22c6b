"""The configuration as typed, frozen blocks: PaddleOCR's YAML schema with documented defaults.

Keys keep PaddleOCR's names and meaning. A default in brackets is PaddleOCR's where it differs or
where PaddleOCR has none and demands the key.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ocr_lib.config.blocks import DatasetConfig, LoaderConfig, OptimizerConfig, SplitConfig
from ocr_lib.config.checks import known_keys, known_part
from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.config.names import KEPT_TOP, METRIC_VALUES, METRICS, Arguments
from ocr_lib.config.reader import COLLECTS, UNWRITTEN, Part, write_block
from ocr_lib.config.spot import FieldError, Places, Spot, nearest
from ocr_lib.config.strict_yaml import dump
from ocr_lib.errors import ConfigError

__all__ = [
    "Config",
    "DatasetConfig",
    "GlobalConfig",
    "LoaderConfig",
    "OptimizerConfig",
    "Part",
    "SplitConfig",
]


def _post_processes() -> Mapping[str, Arguments]:
    """Looked up when a configuration is read: the algorithms are built on this package."""
    known: Mapping[str, Arguments] = import_module("ocr_lib.algorithms").POST_PROCESSES
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration.

    Attributes:
        global_: the block Global: the run, its length, its folders, the dictionary.
        optimizer: the block Optimizer.
        architecture: the block Architecture as written; the networks check its arguments.
        loss: the block Loss.
        postprocess: the block PostProcess: how outputs become text. Default CTCLabelDecode.
        metric: the block Metric. Default RecMetric with main_indicator acc.
        train: the block Train: the samples that are learnt.
        eval: the block Eval: the samples that decide.
        kept: top-level blocks of PaddleOCR that have no meaning here (profiler_options).
        places: where each key was written; empty when the configuration was not read from a file.
        allowed_parts: custom parts that may be imported when it is built; no key, but said
            by the process that read it.
    """

    global_: GlobalConfig = field(default_factory=GlobalConfig, metadata={"key": "Global"})
    optimizer: OptimizerConfig = field(
        default_factory=OptimizerConfig, metadata={"key": "Optimizer"}
    )
    architecture: dict[str, Any] = field(metadata={"key": "Architecture"})
    loss: Part = field(default_factory=lambda: Part("CTCLoss"), metadata={"key": "Loss"})
    postprocess: Part = field(
        default_factory=lambda: Part("CTCLabelDecode"), metadata={"key": "PostProcess"}
    )
    metric: Part = field(
        default_factory=lambda: Part("RecMetric", {"main_indicator": "acc"}),
        metadata={"key": "Metric"},
    )
    train: SplitConfig = field(default_factory=SplitConfig, metadata={"key": "Train"})
    eval: SplitConfig = field(default_factory=SplitConfig, metadata={"key": "Eval"})
    kept: dict[str, Any] = field(default_factory=dict, metadata=COLLECTS)
    places: Places = field(default_factory=dict, metadata=UNWRITTEN, compare=False, repr=False)
    allowed_parts: AllowedParts = field(
        default=NO_PARTS, metadata=UNWRITTEN, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        known_keys(self, self.kept, KEPT_TOP)
        known_part(self, "postprocess", _post_processes())
        known_part(self, "metric", METRICS)
        for key, known in METRIC_VALUES.items():
            value = self.metric.args.get(key)
            if value is not None and value not in known:
                cause = f"is {value!r}, which is not known"
                raise FieldError(self, f"metric.{key}", cause, nearest(value, known))

    def as_dict(self) -> dict[str, Any]:
        """Returns PaddleOCR's nested form; reading it gives an equal configuration."""
        return write_block(self)

    def to_yaml(self) -> str:
        """Returns the resolved configuration as YAML, the same bytes for equal configurations."""
        return dump(self.as_dict())

    @contextmanager
    def naming_lines(self) -> Iterator[None]:
        """Adds file and line to a ConfigError raised inside, where it names a key of this file.

        For parts that are built from a configuration and know their key but not its place:
        `Architecture.Backbone.scale` becomes `my.yml:31: Architecture.Backbone.scale`.
        """
        try:
            yield
        except ConfigError as error:
            path = tuple(int(k) if k.isdecimal() else k for k in error.where.split("."))
            if path[:1] in self.places:
                raise Spot(path, self.places).error(error.cause, error.fix) from error
            raise
