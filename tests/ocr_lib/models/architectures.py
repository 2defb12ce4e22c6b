"""Small architectures for tests."""

TINY_BACKBONE = {
    "name": "MobileNetV3",
    "scale": 0.35,
    "model_name": "small",
    "small_stride": [1, 2, 2, 2],
}
CRNN_LITE = {
    "model_type": "rec",
    "algorithm": "CRNN",
    "Transform": None,
    "Backbone": {**TINY_BACKBONE, "scale": 0.5},
    "Neck": {"name": "SequenceEncoder", "encoder_type": "rnn", "hidden_size": 48},
    "Head": {"name": "CTCHead", "fc_decay": 1e-05},
}
CTC_BRANCH = {
    "CTCHead": {
        "Neck": {"name": "svtr", "dims": 8, "depth": 1, "hidden_dims": 16, "use_guide": True},
        "Head": {"fc_decay": 1e-05},
    }
}
MULTI_SAR = {
    "Backbone": TINY_BACKBONE,
    "Head": {
        "name": "MultiHead",
        "head_list": [CTC_BRANCH, {"SARHead": {"enc_dim": 8, "d_k": 8}}],
    },
}
MULTI_NRTR = {
    "Backbone": TINY_BACKBONE,
    "Head": {
        "name": "MultiHead",
        "head_list": [
            CTC_BRANCH,
            {"NRTRHead": {"nrtr_dim": 32, "max_text_length": 6, "num_decoder_layers": 1}},
        ],
    },
}
