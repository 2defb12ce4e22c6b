"""The blocks Optimizer, Train and Eval."""

from dataclasses import dataclass, field
from typing import Any, Literal

from ocr_lib.config.checks import above, at_least
from ocr_lib.config.component import arguments_of, check_components, component_of, load_table
from ocr_lib.config.location import FieldError
from ocr_lib.config.parse import ComponentConfig, collects

DATASETS = {
    "SimpleDataSet": "SimpleDataSet",
    "TextRecDataset": "SimpleDataSet",
    "MultiScaleDataSet": "MultiScaleDataSet",
    "MSTextRecDataset": "MultiScaleDataSet",
    "LMDBDataSet": "LMDBDataSet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerConfig:
    """How weights change.

    Attributes:
        name: Adam, AdamW, Momentum, SGD, RMSProp or Adadelta. Default Adam.
        lr: the learning-rate schedule; a block without a name is Const. Default Const 0.001.
        regularizer: L1 or L2 with a factor; unset means none.
        clip_norm: largest norm of each gradient.
        clip_norm_global: largest norm of all gradients together; clip_norm goes before it.
        args: further arguments of the optimiser: beta1, beta2, epsilon, weight_decay, …
    """

    name: str = "Adam"
    lr: ComponentConfig = field(
        default_factory=lambda: ComponentConfig("Const", {"learning_rate": 0.001}),
        metadata=component_of("ocr_lib.optim.schedules:SCHEDULES", default_name="Const"),
    )
    regularizer: ComponentConfig | None = field(
        default=None, metadata=component_of("ocr_lib.optim.optimizers:REGULARIZERS")
    )
    clip_norm: float | None = None
    clip_norm_global: float | None = None
    args: dict[str, Any] = field(
        default_factory=dict, metadata=arguments_of("ocr_lib.optim.optimizers:OPTIMIZERS")
    )

    def __post_init__(self) -> None:
        check_components(self)
        above(self, 0, "clip_norm", "clip_norm_global")
        if self.regularizer is None:
            return
        if self.args.get("weight_decay") is not None:
            cause = "is set, and regularizer too"
            raise FieldError(self, "weight_decay", cause, "Remove one of the two")
        if (self.name, self.regularizer.name) == ("AdamW", "L1"):
            cause = "is L1, and AdamW shrinks weights by a factor"
            raise FieldError(self, ("regularizer", "name"), cause, "Write L2, or take Adam")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetConfig:
    """Where samples come from and what is done to each.

    Attributes:
        name: SimpleDataSet, LMDBDataSet, MultiScaleDataSet or PaddleOCR's aliases of them.
        data_dir: the folder that image paths are relative to, or that holds LMDBs.
        label_file_list: label lists; one text is a list of one. Unused by LMDBDataSet.
        ratio_list: share of each list that an epoch takes; one number counts for all. Default 1.0.
        delimiter: between path and label in a list. Default a tab.
        transforms: what is done to a sample, in order.
        ds_width: MultiScaleDataSet: lines of like shape go together. Lists may carry width and
            height, as PaddleOCR's must; the images' own count. Default false.
        ignored_keys: keys of PaddleOCR that have no meaning here. Whatever `ext_op_transform_idx`
            says, the extra sample of RecConAug is decoded, as with PaddleOCR's 1, and augmented
            together with the sample it joins.
    """

    name: Literal[
        "SimpleDataSet", "TextRecDataset", "MultiScaleDataSet", "MSTextRecDataset", "LMDBDataSet"
    ] = "SimpleDataSet"
    data_dir: str = "./"
    label_file_list: tuple[str, ...] = ()
    ratio_list: tuple[float, ...] = (1.0,)
    delimiter: str = "\t"
    transforms: tuple[ComponentConfig, ...] = field(
        default=(), metadata=component_of("ocr_lib.data.transforms:TRANSFORMS")
    )
    ds_width: bool = False
    ignored_keys: dict[str, Any] = field(
        default_factory=dict,
        metadata=collects("do_hard_select", "ext_op_transform_idx", "mode", "seed"),
    )

    def __post_init__(self) -> None:
        self._check_ratios()
        others = load_table("ocr_lib.data.transforms:OTHER_ALGORITHMS")
        for i, transform in enumerate(self.transforms):
            if transform.name in others:
                cause = f"is {transform.name}, of an algorithm that this project does not have"
                fix = "Choose another algorithm: ocr config list"
                raise FieldError(self, ("transforms", i), cause, fix)
        check_components(self)

    def _check_ratios(self) -> None:
        ratios, files = self.ratio_list, len(self.label_file_list)
        if len(ratios) == 1:
            object.__setattr__(self, "ratio_list", ratios * max(1, files))
        elif files and len(ratios) != files:
            cause = f"has {len(ratios)} entries for {files} label lists"
            raise FieldError(self, "ratio_list", cause, "Write one a list, or one number")

    @property
    def kind(self) -> str:
        """The name with PaddleOCR's aliases resolved."""
        return DATASETS[self.name]

    @property
    def named(self) -> bool:
        """Whether samples are named at all: a configuration without validation has none in Eval."""
        return bool(self.label_file_list) or self.kind == "LMDBDataSet"

    def transform(self, name: str) -> ComponentConfig | None:
        """Returns the first transform of that name, or None."""
        return next((part for part in self.transforms if part.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderConfig:
    """How samples are put into batches.

    Attributes:
        batch_size_per_card: images a batch and process. Default 128.
        shuffle: a new order each epoch. Default false.
        drop_last: leave out an incomplete last batch. Default false.
        num_workers: reading processes; 0 reads in the training process. Default 4.
        ignored_keys: keys of PaddleOCR that have no meaning here.
    """

    batch_size_per_card: int = 128
    shuffle: bool = False
    drop_last: bool = False
    num_workers: int = 4
    ignored_keys: dict[str, Any] = field(
        default_factory=dict,
        metadata=collects("collate_fn", "num_sections", "pin_memory", "use_shared_memory"),
    )

    def __post_init__(self) -> None:
        at_least(self, 1, "batch_size_per_card")
        at_least(self, 0, "num_workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """The samples of Train or of Eval.

    Attributes:
        dataset: where they come from.
        sampler: a batch sampler (MultiScaleSampler); unset means plain batches.
        loader: how they are put into batches.
    """

    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    sampler: ComponentConfig | None = field(
        default=None, metadata=component_of("ocr_lib.data.loading.multi_scale:SAMPLERS")
    )
    loader: LoaderConfig = field(default_factory=LoaderConfig)

    def __post_init__(self) -> None:
        check_components(self)
