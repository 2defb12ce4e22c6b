"""Tiny networks of the kinds beside CTC, to be trained on `line_data`'s digits in seconds."""

from pathlib import Path

from ocr_lib.config.loader import load_config
from ocr_lib.config.schema import Config

GREY = {
    f"{split}.dataset.transforms.RecResizeImg.image_shape": "[1, 32, 100]"
    for split in ("Train", "Eval")
}
DISTILLATION = "ch_PP-OCRv2_rec_distillation"
COLUMNS = "{name: PlainConv, height: 32, widths: [8, 8, 8, 16], out_channels: 16}"
CONFIGS = {
    "attention": (
        "rec_r34_vd_tps_bilstm_att",
        {
            "Architecture.in_channels": 1,
            "Architecture.Transform": "",
            "Architecture.Backbone": COLUMNS,
            "Architecture.Neck.hidden_size": 16,
            "Architecture.Head": "{name: AttentionHead, hidden_size: 32, max_text_length: 8}",
            "Global.max_text_length": 8,
            **GREY,
        },
    ),
    "sar": (
        "rec_r31_sar",
        {
            "Architecture.Backbone": "{name: ResNet31, layers: [1, 1, 1, 1], "
            "channels: [8, 8, 16, 16, 16, 16, 16]}",
            "Architecture.Head": "{name: SARHead, enc_dim: 24, d_k: 24, max_text_length: 8}",
            "Global.max_text_length": 8,
            "Optimizer.lr": "{name: Const, learning_rate: 0.004}",
        },
    ),
    "nrtr": (
        "rec_mtb_nrtr",
        {
            "Architecture.Head": "{name: Transformer, d_model: 512, nhead: 4, max_len: 8, "
            "num_encoder_layers: 0, num_decoder_layers: 1, dim_feedforward: 64, beam_size: -1}",
            "Global.max_text_length": 8,
        },
    ),
}


def other_config(kind: str, train: Path, evaluation: Path, run_dir: Path, **keys: object) -> Config:
    """Loads the shipped configuration of a kind of head, made tiny."""
    name, options = CONFIGS[kind]
    return load_config(name, _options(options, train, evaluation, run_dir, keys))


def network(frozen: bool = False, pretrained: str = "", width: int = 8) -> str:
    """Returns one of distillation's networks as a value of `-o`."""
    return (
        f"{{in_channels: 1, return_all_feats: true, freeze_params: {str(frozen).lower()}, "
        f"pretrained: {pretrained or 'null'}, Backbone: {{name: PlainConv, height: 32, "
        f"widths: [{width}, {width}, {width}, 16], out_channels: 16}}, "
        "Neck: {name: SequenceEncoder, encoder_type: rnn, hidden_size: 8}, "
        "Head: {name: CTCHead, mid_channels: 16}}"
    )


def distillation_options(
    train: Path,
    evaluation: Path,
    run_dir: Path,
    networks: dict[str, str] | None = None,
    **keys: object,
) -> list[str]:
    """Returns `-o` values for DISTILLATION: tiny networks, a teacher and a student by default."""
    networks = networks or {"Teacher": network(), "Student": network()}
    models = ", ".join(f"{name}: {value}" for name, value in networks.items())
    options = {
        "Architecture.Models": f"{{{models}}}",
        "Optimizer.lr": "{name: Const, learning_rate: 0.004}",
        **GREY,
    }
    return _options(options, train, evaluation, run_dir, keys)


def distillation_config(
    train: Path,
    evaluation: Path,
    run_dir: Path,
    networks: dict[str, str] | None = None,
    **keys: object,
) -> Config:
    """Loads PP-OCRv2's distillation with `distillation_options`."""
    options = distillation_options(train, evaluation, run_dir, networks, **keys)
    return load_config(DISTILLATION, options)


def _options(
    options: dict[str, object],
    train: Path,
    evaluation: Path,
    run_dir: Path,
    keys: dict[str, object],
) -> list[str]:
    values = {
        "Train.dataset.name": "LMDBDataSet",
        "Eval.dataset.name": "LMDBDataSet",
        "Train.dataset.data_dir": train,
        "Eval.dataset.data_dir": evaluation,
        "Train.loader.batch_size_per_card": 8,
        "Train.loader.num_workers": 0,
        "Global.use_gpu": "false",
        "Global.character_dict_path": "ic15",
        "Global.use_space_char": "false",
        "Global.save_model_dir": run_dir,
        "Global.epoch_num": 2,
        "Global.eval_batch_epoch": 1,
        "Global.print_batch_step": 2,
        **options,
        **keys,
    }
    return [f"{key}={value}" for key, value in values.items()]
