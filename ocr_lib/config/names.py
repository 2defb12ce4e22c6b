"""Names that a configuration may use for its parts, and the arguments of those that are ours.

What a part does is known where it is built; networks and losses check their own arguments there.
An argument's kind is the annotation that `ocr_lib.config.reader` checks; `Any` is not checked.
Source: PaddleOCR ppocr/optimizer, ppocr/data, ppocr/metrics and ppocr/postprocess.
"""

from collections.abc import Mapping
from typing import Any

Arguments = Mapping[str, Any]
Numbers = tuple[float, ...]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LEARNING_RATE = {"learning_rate": float, "warmup_epoch": float}
LR_SCHEDULES: Mapping[str, Arguments] = {
    "Const": LEARNING_RATE,
    "Linear": {**LEARNING_RATE, "end_lr": float, "power": float},
    "Cosine": LEARNING_RATE,
    "Step": {**LEARNING_RATE, "step_size": int, "gamma": float},
    "Piecewise": {**LEARNING_RATE, "decay_epochs": Numbers, "values": Numbers},
    "CyclicalCosine": {**LEARNING_RATE, "cycle": float},
    "OneCycle": {
        **LEARNING_RATE,
        "max_lr": float,
        "pct_start": float,
        "div_factor": float,
        "anneal_strategy": str,
        "three_phase": bool,
    },
    "DecayLearningRate": {**LEARNING_RATE, "factor": float, "end_lr": float},
    "MultiStepDecay": {**LEARNING_RATE, "milestones": Numbers, "gamma": float},
    "TwoStepCosine": {**LEARNING_RATE, "T_max1": int, "T_max2": int},
}
LR_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Step": ("step_size",),
    "Piecewise": ("decay_epochs", "values"),
    "CyclicalCosine": ("cycle",),
    "MultiStepDecay": ("milestones",),
}

_MOMENTS = {"beta1": float, "beta2": float, "epsilon": float, "lazy_mode": bool}
_DECAY = {"weight_decay": float}
OPTIMIZERS: Mapping[str, Arguments] = {
    "SGD": _DECAY,
    "Momentum": {**_DECAY, "momentum": float, "use_nesterov": bool},
    "Adam": {**_DECAY, **_MOMENTS},
    "AdamW": {
        **_DECAY,
        **_MOMENTS,
        "multi_precision": bool,
        "no_weight_decay_name": str,
        "one_dim_param_no_weight_decay": bool,
    },
    "RMSProp": {**_DECAY, "momentum": float, "rho": float, "epsilon": float},
    "Adadelta": {**_DECAY, "rho": float, "epsilon": float},
}
REGULARIZERS: Mapping[str, Arguments] = {"L1": {"factor": float}, "L2": {"factor": float}}

SAMPLERS: Mapping[str, Arguments] = {
    "MultiScaleSampler": {
        "scales": Any,  # pairs [width, height] in px
        "first_bs": int,
        "fix_bs": bool,
        "divided_factor": tuple[int, int],
        "is_training": bool,
        "ratio_wh": float,
        "max_w": float,
        "seed": int,
    }
}

_REC_METRIC = {"main_indicator": str, "is_filter": bool, "ignore_space": bool}
METRICS: Mapping[str, Arguments] = {
    "RecMetric": _REC_METRIC,
    "DistillationMetric": {**_REC_METRIC, "base_metric_name": str, "key": str},
}
METRIC_VALUES = {"main_indicator": ("acc", "norm_edit_dis"), "base_metric_name": ("RecMetric",)}

DATASETS = {
    "SimpleDataSet": "SimpleDataSet",
    "TextRecDataset": "SimpleDataSet",
    "MultiScaleDataSet": "MultiScaleDataSet",
    "MSTextRecDataset": "MultiScaleDataSet",
    "LMDBDataSet": "LMDBDataSet",
}
TRANSFORMS = _words(
    """DecodeImage RecAug RecConAug SVTRRecAug ParseQRecAug BaseDataAugmentation LightAug
    RecResizeImg SARRecResizeImg SVTRRecResizeImg NRTRRecResizeImg GrayRecResizeImg
    CTCLabelEncode AttnLabelEncode SARLabelEncode NRTRLabelEncode MultiLabelEncode
    KeepKeys"""
)
# Of algorithms that this project does not have.
OTHER_TRANSFORMS = _words(
    """ABINetLabelEncode ABINetRecAug ABINetRecResizeImg CANLabelEncode CPPDLabelEncode
    LatexOCRLabelEncode NormalizeImage PRENLabelEncode PRENResizeImg ParseQLabelEncode
    RFLLabelEncode RFLRecResizeImg RobustScannerRecResizeImg SATRNLabelEncode SEEDLabelEncode
    SPINLabelEncode SPINRecResizeImg SRNLabelEncode SRNRecResizeImg ToCHWImage
    UniMERNetLabelEncode VLLabelEncode VLRecResizeImg ViTSTRLabelEncode"""
)

# Keys of PaddleOCR that change nothing here; they are accepted and kept.
KEPT_TOP = frozenset({"profiler_options", "wandb", "Test", "Export"})
KEPT_GLOBAL = _words(
    """algorithm benchmark character_type debug export_with_pir find_unused_parameters infer_list
    infer_mode log_ranks pdx_model_name print_mem_info rm_symbol save_ckpt_info to_static
    uniform_output_enabled use_gcu use_iluvatar_gpu use_metax_gpu use_mlu use_npu use_visualdl
    use_wandb use_xpu vdl_log_dir"""
)
KEPT_DATASET = frozenset({"mode", "seed", "do_hard_select"})
KEPT_LOADER = frozenset({"collate_fn", "num_sections", "pin_memory", "use_shared_memory"})
