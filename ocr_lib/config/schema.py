"""The configuration as typed, frozen blocks: PaddleOCR's YAML schema with documented defaults.

Keys keep PaddleOCR's names and meaning. A default in brackets is PaddleOCR's where it differs or
where PaddleOCR has none and demands the key.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ocr_lib.config.blocks import DatasetConfig, LoaderConfig, OptimizerConfig, SplitConfig
from ocr_lib.config.component import check_components, component_of
from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.config.location import Locations, SourceLocation
from ocr_lib.config.parse import UNWRITTEN, ComponentConfig, collects, write
from ocr_lib.config.strict_yaml import dump
from ocr_lib.errors import ConfigError

__all__ = [
    "ComponentConfig",
    "Config",
    "DatasetConfig",
    "GlobalConfig",
    "LoaderConfig",
    "OptimizerConfig",
    "SplitConfig",
]


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
        eval: the block Eval: the validation set.
        ignored_keys: top-level blocks of PaddleOCR that have no meaning here (profiler_options).
        locations: where each key was written; empty when it was not read from a file.
        allowed_parts: custom parts that may be imported when it is built; no key, but said
            by the process that read it.
    """

    global_: GlobalConfig = field(default_factory=GlobalConfig, metadata={"key": "Global"})
    optimizer: OptimizerConfig = field(
        default_factory=OptimizerConfig, metadata={"key": "Optimizer"}
    )
    architecture: dict[str, Any] = field(metadata={"key": "Architecture"})
    loss: ComponentConfig = field(
        default_factory=lambda: ComponentConfig("CTCLoss"), metadata={"key": "Loss"}
    )
    postprocess: ComponentConfig = field(
        default_factory=lambda: ComponentConfig("CTCLabelDecode"),
        metadata=component_of("ocr_lib.algorithms:POST_PROCESSES", "PostProcess"),
    )
    metric: ComponentConfig = field(
        default_factory=lambda: ComponentConfig("RecMetric", {"main_indicator": "acc"}),
        metadata=component_of("ocr_lib.evaluation.metrics:METRICS", "Metric"),
    )
    train: SplitConfig = field(default_factory=SplitConfig, metadata={"key": "Train"})
    eval: SplitConfig = field(default_factory=SplitConfig, metadata={"key": "Eval"})
    ignored_keys: dict[str, Any] = field(
        default_factory=dict, metadata=collects("profiler_options", "wandb", "Test", "Export")
    )
    locations: Locations = field(
        default_factory=dict, metadata=UNWRITTEN, compare=False, repr=False
    )
    allowed_parts: AllowedParts = field(
        default=NO_PARTS, metadata=UNWRITTEN, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        check_components(self)

    def as_dict(self) -> dict[str, Any]:
        """Returns PaddleOCR's nested form; reading it gives an equal configuration."""
        return write(self)

    def to_yaml(self) -> str:
        """Returns the resolved configuration as YAML, the same bytes for equal configurations."""
        return dump(self.as_dict())

    @contextmanager
    def naming_lines(self) -> Iterator[None]:
        """Adds file and line to a ConfigError raised inside, where it names a key of this file.

        For parts that are built from a configuration and know their key but not its line:
        `Architecture.Backbone.scale` becomes `my.yml:31: Architecture.Backbone.scale`.
        """
        try:
            yield
        except ConfigError as error:
            path = tuple(int(k) if k.isdecimal() else k for k in error.where.split("."))
            if path[:1] in self.locations:
                raise SourceLocation(path, self.locations).error(error.cause, error.fix) from error
            raise
