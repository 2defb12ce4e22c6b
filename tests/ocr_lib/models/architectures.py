"""Small architectures for tests."""

CRNN_LITE = {
    "model_type": "rec",
    "algorithm": "CRNN",
    "Transform": None,
    "Backbone": {
        "name": "MobileNetV3",
        "scale": 0.5,
        "model_name": "small",
        "small_stride": [1, 2, 2, 2],
    },
    "Neck": {"name": "SequenceEncoder", "encoder_type": "rnn", "hidden_size": 48},
    "Head": {"name": "CTCHead", "fc_decay": 1e-05},
}
