"""Names that a configuration may use for its open parts, as PaddleOCR spells them.

Only names are here: what each part does, and which arguments it takes, is known where it is built.
"""

LR_SCHEDULES = {
    "Const": {"learning_rate", "warmup_epoch"},
    "Linear": {"learning_rate", "end_lr", "power", "warmup_epoch"},
    "Cosine": {"learning_rate", "warmup_epoch"},
    "Step": {"learning_rate", "step_size", "gamma", "warmup_epoch"},
    "Piecewise": {"learning_rate", "decay_epochs", "values", "warmup_epoch"},
    "CyclicalCosine": {"learning_rate", "cycle", "warmup_epoch"},
    "OneCycle": {"max_lr", "anneal_strategy", "three_phase", "warmup_epoch"},
    "DecayLearningRate": {"learning_rate", "factor", "end_lr", "warmup_epoch"},
    "MultiStepDecay": {"learning_rate", "milestones", "gamma", "warmup_epoch"},
    "TwoStepCosine": {"learning_rate", "warmup_epoch"},
}
OPTIMIZERS = {
    "SGD": {"weight_decay"},
    "Momentum": {"momentum", "weight_decay"},
    "Adam": {"beta1", "beta2", "epsilon", "weight_decay", "lazy_mode", "group_lr"},
    "AdamW": {
        "beta1",
        "beta2",
        "epsilon",
        "weight_decay",
        "multi_precision",
        "lazy_mode",
        "no_weight_decay_name",
        "one_dim_param_no_weight_decay",
    },
    "RMSProp": {"momentum", "rho", "epsilon", "weight_decay"},
    "Adadelta": {"epsilon", "rho", "weight_decay"},
}
REGULARIZERS = {"L1": {"factor"}, "L2": {"factor"}}
DATASETS = {
    "SimpleDataSet": "SimpleDataSet",
    "TextRecDataset": "SimpleDataSet",
    "MultiScaleDataSet": "MultiScaleDataSet",
    "MSTextRecDataset": "MultiScaleDataSet",
    "LMDBDataSet": "LMDBDataSet",
}
SAMPLERS = {
    "MultiScaleSampler": {
        "scales",
        "first_bs",
        "fix_bs",
        "divided_factor",
        "is_training",
        "ratio_wh",
        "max_w",
        "seed",
    }
}
TRANSFORMS = frozenset(
    {
        "DecodeImage",
        "RecAug",
        "RecConAug",
        "LightAug",
        "SVTRRecAug",
        "ParseQRecAug",
        "BaseDataAugmentation",
        "RecResizeImg",
        "SARRecResizeImg",
        "SVTRRecResizeImg",
        "NRTRRecResizeImg",
        "GrayRecResizeImg",
        "CTCLabelEncode",
        "AttnLabelEncode",
        "SARLabelEncode",
        "NRTRLabelEncode",
        "MultiLabelEncode",
        "KeepKeys",
    }
)
# Keys of PaddleOCR that this project has no use for; they are accepted and kept.
KEPT_GLOBAL = frozenset(
    {
        "debug",
        "use_xpu",
        "use_npu",
        "use_mlu",
        "use_gcu",
        "use_metax_gpu",
        "use_iluvatar_gpu",
        "use_visualdl",
        "use_wandb",
        "to_static",
        "character_type",
        "rm_symbol",
        "algorithm",
        "print_mem_info",
        "benchmark",
        "export_with_pir",
        "uniform_output_enabled",
        "infer_list",
        "vdl_log_dir",
        "infer_mode",
    }
)
KEPT_TOP = frozenset({"profiler_options", "wandb", "Export"})
KEPT_DATASET = frozenset({"mode", "seed", "do_hard_select"})
KEPT_LOADER = frozenset({"use_shared_memory", "num_sections", "collate_fn", "pin_memory"})
