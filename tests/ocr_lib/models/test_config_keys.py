"""Each argument of a network's parts makes another network."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import paddle
import pytest
from paddle import Tensor

from ocr_lib.models import build_model
from ocr_lib.models.backbones.hgnet import PPHGNetSmall
from ocr_lib.models.backbones.hgnet_v2 import PPHGNetV2B4
from ocr_lib.models.backbones.lcnet_v3 import PPLCNetV3
from ocr_lib.models.backbones.lcnet_v4 import PPLCNetV4
from ocr_lib.models.backbones.mobilenet_v1_enhance import MobileNetV1Enhance
from ocr_lib.models.backbones.mobilenet_v3 import MobileNetV3
from ocr_lib.models.backbones.mtb import MTB
from ocr_lib.models.backbones.plain_conv import PlainConv
from ocr_lib.models.backbones.resnet31 import ResNet31
from ocr_lib.models.backbones.resnet_vd import ResNet
from ocr_lib.models.backbones.svtrnet import SVTRNet
from ocr_lib.models.build import DistillationConfig, MemberConfig, NetworkConfig
from ocr_lib.models.heads.attention import AttentionHead
from ocr_lib.models.heads.ctc import CTCHead
from ocr_lib.models.heads.multi import CTCEntry, MultiHead, NRTRGuide
from ocr_lib.models.heads.sar import SARHead
from ocr_lib.models.heads.transformer import Transformer
from ocr_lib.models.necks.rnn import EncoderWithCascadeRNN, EncoderWithFC, EncoderWithRNN
from ocr_lib.models.necks.sequence_encoder import Reshape, SequenceEncoder
from ocr_lib.models.necks.svtr import EncoderWithLightSVTR, EncoderWithSVTR
from ocr_lib.models.transforms.stn import STN_ON
from ocr_lib.models.transforms.tps import TPS
from tests.ocr_lib.config.key_effects import Given, Refused, Row, check, parameters
from tests.ocr_lib.models.architectures import CTC_BRANCH, TINY_BACKBONE
from tests.ocr_lib.models.configured import configured

CLASSES = 6
IDS = {"label_gtc": [[2, 4, 5, 3, 0]], "label_sar": [[6, 1, 2, 6, 7]]}


def learnt(layer: Any) -> list[Any]:
    """Returns name, shape, learning rate and weight decay of each parameter."""
    return [
        (
            name,
            tuple(value.shape),
            value.optimize_attr["learning_rate"],
            getattr(value.regularizer, "_coeff", None),
            value.trainable,
        )
        for name, value in layer.named_parameters()
    ]


def tensors(value: Any) -> Iterator[Tensor]:
    """Yields the tensors of nested outputs."""
    if isinstance(value, Tensor):
        yield value
        return
    for item in value.values() if isinstance(value, dict) else value:
        yield from tensors(item)


def built(part: Any, arguments: dict[str, Any], in_channels: int = 3) -> Any:
    paddle.seed(0)
    return configured(part, in_channels, CLASSES, **arguments)


def parameters_of(part: Any, arguments: dict[str, Any]) -> Any:
    """Only what is learnt: for networks that are slow to run."""
    return learnt(built(part, arguments))


def columns_in_training(part: Any, arguments: dict[str, Any]) -> list[int]:
    layer = built(part, arguments)
    layer.train()
    with paddle.no_grad():
        return layer(paddle.rand([1, 3, 48, 32])).shape


def run(part: Any, arguments: dict[str, Any], shape: tuple[int, ...], label: str = "") -> Any:
    """Returns parameters, outputs in both modes, and the gradient of the input."""
    layer = built(part, arguments, shape[-1] if len(shape) == 3 else shape[1])
    return [learnt(layer), *outputs(layer, shape, label)]


def outputs(layer: Any, shape: tuple[int, ...], label: str = "") -> Iterator[Any]:
    paddle.seed(1)
    x = paddle.rand(shape)
    x.stop_gradient = False
    batch = {"valid_ratio": paddle.to_tensor([0.6])}
    if label:
        batch[label] = paddle.to_tensor(IDS[label])
    for mode in (layer.eval, layer.train):
        mode()
        results = list(tensors(layer(x, batch) if label else layer(x)))
        yield from ((tuple(y.shape), y.numpy().tobytes()) for y in results)
    sum(y.sum() for y in results).backward()
    yield None if x.grad is None else x.grad.numpy().tobytes()


def network(config: Any, values: dict[str, Any]) -> Any:
    """Returns what a whole network gives; of several networks, the block `Models` has one."""
    paddle.seed(0)
    if config is NetworkConfig:
        model = build_model(values, CLASSES)
    else:
        models = {"Student": values} if config is MemberConfig else values["Models"]
        model = build_model({"name": "DistillationModel", "Models": models}, CLASSES)
    channels = values.get("in_channels", 3)
    more = getattr(model, "pretrained", None), getattr(model, "names", None)
    return [more, learnt(model), *outputs(model, (1, channels, 32, 32))]


def transform(part: Any, arguments: dict[str, Any]) -> Any:
    """As `run`, with control points that depend on the image: at first none does."""
    layer = built(part, arguments)
    for value in layer.parameters():
        if not value.any():
            value.set_value(paddle.randn(value.shape) * 0.01)
    return [learnt(layer), *outputs(layer, (1, 3, 32, 64))]


def svtr(part: Any, arguments: dict[str, Any]) -> Any:
    return run(part, arguments, (1, 3, *arguments["img_size"]))


def decoder(width: str, part: Any, arguments: dict[str, Any]) -> Any:
    return run(part, arguments, (1, 5, arguments[width]), "label_gtc")


def ctc_entry(_: Any, arguments: dict[str, Any]) -> Any:
    return run(MultiHead, {"head_list": [{"CTCHead": arguments}]}, (1, 16, 1, 12))


small_image = partial(run, shape=(1, 3, 32, 32))
line_image = partial(run, shape=(1, 3, 48, 64))
feature_map = partial(run, shape=(1, 16, 1, 12))
columns = partial(run, shape=(1, 5, 8))

SMALL_SVTR = {
    "img_size": [32, 32],
    "embed_dim": [8, 8, 8],
    "depth": [1, 1, 1],
    "num_heads": [1, 1, 1],
    "mixer": ["Local", "Local", "Global"],
    "local_mixer": [[3, 3], [3, 3], [3, 3]],
    "out_channels": 8,
    "out_char_num": 4,
}
NRTR = {"NRTRHead": {"nrtr_dim": 32, "max_text_length": 4, "num_decoder_layers": 1}}
PLAIN = {"Backbone": TINY_BACKBONE, "Neck": {"name": "SequenceEncoder", "encoder_type": "reshape"}}
PLAIN |= {"Head": {"name": "CTCHead"}}

TABLE = [
    Row(
        MobileNetV3,
        small_image,
        {"scale": 0.35},
        {
            "model_name": "large",
            "scale": 0.5,
            "large_stride": Given([1, 2, 2, 1], {"model_name": "large"}),
            "small_stride": [1, 2, 2, 2],
            "disable_se": True,
        },
    ),
    Row(
        MobileNetV1Enhance,
        line_image,
        {"scale": 0.25},
        {
            "scale": 0.125,
            "last_conv_stride": [1, 2],
            "last_pool_type": "avg",
            "last_pool_kernel_size": Given([2, 2], {"last_pool_type": "avg"}),
        },
    ),
    Row(MTB, small_image, {}, {"cnn_num": Refused(3)}),
    Row(
        PlainConv,
        parameters_of,
        {"widths": [4, 4, 4, 4], "out_channels": 4},
        {"height": 48, "widths": [4, 4, 4, 8], "out_channels": 5},
    ),
    Row(
        ResNet31,
        small_image,
        {"layers": [1, 1, 1, 1], "channels": [4] * 7},
        {"layers": [1, 1, 1, 2], "channels": [4] * 5 + [5, 5], "last_stage_pool": True},
    ),
    Row(ResNet, parameters_of, {}, {"layers": 18}),
    Row(PPHGNetSmall, columns_in_training, {}, {"train_columns": None}),
    Row(PPHGNetV2B4, columns_in_training, {}, {"text_rec": Refused(False), "train_columns": None}),
    Row(
        PPLCNetV3,
        line_image,
        {"scale": 0.25, "conv_kxk_num": 1},
        {
            "scale": 0.5,
            "conv_kxk_num": 2,
            "lr_mult_list": [1.0, 1.0, 1.0, 1.0, 1.0, 0.5],
            "lab_lr": 0.5,
            "train_columns": None,
            "fused": True,
        },
    ),
    Row(
        PPLCNetV4,
        line_image,
        {"model_size": "tiny"},
        {"model_size": "small", "train_columns": None, "fused": True},
    ),
    Row(
        SVTRNet,
        svtr,
        SMALL_SVTR,
        {
            "img_size": [32, 64],
            "embed_dim": [8, 8, 16],
            "depth": Given([1, 1, 2], {"mixer": ["Local"] * 4, "depth": [1, 2, 1]}),
            "num_heads": [1, 1, 2],
            "mixer": ["Local", "Local", "Local"],
            "local_mixer": [[1, 1], [3, 3], [3, 3]],
            "patch_merging": "Pool",
            "mlp_ratio": 2.0,
            "qkv_bias": False,
            "qk_scale": 3.0,
            "drop_rate": 0.5,
            "last_drop": 0.9,
            "attn_drop_rate": 0.5,
            "drop_path_rate": 0.9,
            "epsilon": 1e-3,
            "out_channels": 9,
            "out_char_num": 5,
            "act": "nn.ReLU",
            "last_stage": False,
            "sub_num": 3,
            "prenorm": False,
        },
    ),
    Row(
        STN_ON,
        transform,
        {"tps_outputsize": [8, 16]},
        {
            "tps_inputsize": [64, 32],
            "tps_outputsize": [8, 20],
            "num_control_points": 10,
            "tps_margins": [0.1, 0.1],
            "stn_activation": "sigmoid",
        },
    ),
    Row(TPS, transform, {}, {"num_fiducial": 6, "loc_lr": 0.5, "model_name": "large"}),
    Row(EncoderWithRNN, columns, {}, {"hidden_size": 3}),
    Row(EncoderWithFC, columns, {}, {"hidden_size": 3}),
    Row(
        EncoderWithCascadeRNN,
        columns,
        {"out_channels": [6, 6], "hidden_size": 3, "with_linear": True},
        {"out_channels": [6, 7], "hidden_size": 4, "num_layers": 1, "with_linear": False},
    ),
    Row(
        EncoderWithSVTR,
        feature_map,
        {"dims": 8, "depth": 1, "hidden_dims": 16, "num_heads": 2},
        {
            "dims": 9,
            "depth": 2,
            "hidden_dims": 18,
            "use_guide": True,
            "num_heads": 4,
            "qkv_bias": False,
            "mlp_ratio": 3.0,
            "drop_rate": 0.5,
            "attn_drop_rate": 0.5,
            "drop_path": 0.9,
            "kernel_size": [1, 3],
            "qk_scale": 3.0,
        },
    ),
    Row(
        EncoderWithLightSVTR,
        feature_map,
        {"dims": 16, "num_heads": 2},
        {
            "dims": 18,
            "depth": 2,
            "local_kernel": 3,
            "use_guide": True,
            "num_heads": 4,
            "qkv_bias": False,
            "mlp_ratio": 3.0,
            "drop_rate": 0.5,
            "attn_drop_rate": 0.5,
            "drop_path": 0.9,
            "qk_scale": 3.0,
        },
    ),
    Row(SequenceEncoder, feature_map, {"encoder_type": "reshape"}, {"encoder_type": "fc"}),
    Row(
        CTCHead,
        columns,
        {},
        {"fc_decay": 0.1, "mid_channels": 4, "use_guide": True, "return_feats": True},
    ),
    Row(
        AttentionHead,
        partial(columns, label="label_gtc"),
        {"hidden_size": 4, "max_text_length": 3},
        {"hidden_size": 5, "max_text_length": 4, "teacher_forcing": True},
    ),
    Row(
        SARHead,
        partial(run, shape=(1, 8, 2, 6), label="label_sar"),
        {"enc_dim": 4, "d_k": 4, "max_text_length": 3},
        {
            "enc_dim": 5,
            "max_text_length": 4,
            "enc_bi_rnn": True,
            "enc_drop_rnn": 0.9,
            "enc_gru": True,
            "dec_bi_rnn": Refused(True),
            "dec_drop_rnn": 0.9,
            "dec_gru": True,
            "d_k": 5,
            "pred_dropout": 0.9,
            "pred_concat": False,
        },
    ),
    Row(
        Transformer,
        partial(decoder, "d_model"),
        {"d_model": 16, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 1}
        | {"max_len": 4, "dim_feedforward": 16},
        {
            "d_model": 32,
            "nhead": 4,
            "num_encoder_layers": 0,
            "beam_size": Refused(1),
            "num_decoder_layers": 2,
            "max_len": 5,
            "dim_feedforward": 17,
            "attention_dropout_rate": 0.9,
            "residual_dropout_rate": 0.9,
            "scale_embedding": False,
        },
    ),
    Row(
        NRTRGuide,
        partial(decoder, "nrtr_dim"),
        NRTR["NRTRHead"],
        {"nrtr_dim": 64, "max_text_length": 5, "num_decoder_layers": 2},
    ),
    Row(
        CTCEntry,
        ctc_entry,
        CTC_BRANCH["CTCHead"],
        {"Neck": {"name": "reshape"}, "Head": {"mid_channels": 3}},
        CTCEntry,
    ),
    Row(
        MultiHead,
        partial(feature_map, label="label_gtc"),
        {"head_list": [CTC_BRANCH]},
        {
            "head_list": [CTC_BRANCH, NRTR],
            "use_pos": Given(True, {"head_list": [CTC_BRANCH, NRTR]}),
            "use_pool": True,
        },
    ),
    Row(
        NetworkConfig,
        network,
        PLAIN,
        {
            "Transform": {"name": "TPS", "num_fiducial": 4},
            "Backbone": {**TINY_BACKBONE, "scale": 0.5},
            "Neck": {"name": "SequenceEncoder", "encoder_type": "fc"},
            "Head": {"name": "CTCHead", "mid_channels": 3},
            "in_channels": 1,
            "return_all_feats": True,
        },
        NetworkConfig,
    ),
    Row(
        MemberConfig,
        network,
        PLAIN,
        {"pretrained": "teacher.pdparams", "freeze_params": True},
        MemberConfig,
    ),
    Row(
        DistillationConfig,
        network,
        {"Models": {"Student": PLAIN}},
        {"Models": {"Student": PLAIN, "Teacher": PLAIN}},
        DistillationConfig,
    ),
    Row(Reshape, columns, {}, {}, Reshape),
]


@pytest.mark.parametrize(("row", "key"), parameters(TABLE))
def test_another_value_makes_another_network(row: Row, key: str) -> None:
    check(row, key)
