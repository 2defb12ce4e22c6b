"""The configuration as typed, frozen blocks: PaddleOCR's YAML schema with documented defaults.

Keys keep PaddleOCR's names and meaning. A default in brackets is PaddleOCR's where it differs or
where PaddleOCR has none and demands the key.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

from ocr_lib.config.blocks import DatasetConfig, LoaderConfig, OptimizerConfig, SplitConfig
from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.config.names import KEPT_TOP
from ocr_lib.config.reader import COLLECTS, Part, refuse_unknown, write_block

__all__ = [
    "Config",
    "DatasetConfig",
    "GlobalConfig",
    "LoaderConfig",
    "OptimizerConfig",
    "Part",
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
        eval: the block Eval: the samples that decide.
        kept: top-level blocks of PaddleOCR that have no meaning here (profiler_options).
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

    def __post_init__(self) -> None:
        refuse_unknown(self, self.kept, KEPT_TOP)

    def as_dict(self) -> dict[str, Any]:
        """Returns PaddleOCR's nested form; reading it gives an equal configuration."""
        return write_block(self)

    def to_yaml(self) -> str:
        """Returns the resolved configuration as YAML, the same bytes for equal configurations."""
        return yaml.safe_dump(
            self.as_dict(), sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
        )
