"""How many CTC steps a network gives an image: known from its configuration, before it is built.

A label of L characters, R of them equal to their predecessor, needs L + R steps; a preflight that
knows the steps finds labels that no training can reach.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ocr_lib.algorithms.choice import head_name
from ocr_lib.algorithms.records import BY_HEAD, CTC
from ocr_lib.errors import ConfigError
from ocr_lib.nearest import nearest

Block = Mapping[str, Any]

# PPLCNetV3, v4 and PPHGNet pool to this many columns in training, whatever the image's width,
# unless their argument train_columns says otherwise.
TRAINING_COLUMNS = 40
STN_WIDTH = 100  # px, what STN_ON makes of every image unless tps_outputsize says otherwise


def time_steps(architecture: Block, width: int, *, training: bool = False) -> int:
    """Returns the CTC steps T of an image padded to `width` px.

    Args:
        architecture: PaddleOCR's Architecture block. Of several networks (distillation) the one
            with the fewest steps counts.
        width: padded width in px, at least 1.
        training: the steps in training; they differ where a network pools to a fixed number of
            columns in training and by its width afterwards.

    Raises:
        ConfigError: the network has no CTC head, or its backbone is not known here.

    Source: PaddleOCR ppocr/modeling/backbones.
    """
    if "Models" in architecture:
        models = architecture["Models"].values()
        return min(time_steps(model, width, training=training) for model in models)
    if not has_ctc(architecture):
        cause = f"is {head_name(architecture)}, which has no CTC steps"
        raise ConfigError("Architecture.Head.name", cause, "Ask only networks with a CTC head")
    name = str((architecture.get("Backbone") or {}).get("name"))
    if name not in _STEPS:
        cause = f"the steps of {name!r} are not known"
        raise ConfigError("Architecture.Backbone.name", cause, nearest(name, _STEPS))
    return _STEPS[name](
        architecture["Backbone"], _width_after_transform(architecture, width), training
    )


def fixed_columns(architecture: Block) -> int | None:
    """Returns how many columns the network pools every image to in training.

    None where the width decides. Of several networks (distillation) the fewest columns count.
    """
    if "Models" in architecture:
        each = [fixed_columns(model) for model in architecture["Models"].values()]
        return min((columns for columns in each if columns is not None), default=None)
    backbone = architecture.get("Backbone") or {}
    if _STEPS.get(str(backbone.get("name"))) is not _eighth:
        return None
    columns = backbone.get("train_columns", TRAINING_COLUMNS)
    return None if columns is None else int(columns)


def has_ctc(architecture: Block) -> bool:
    """Returns whether the network, or each of several, ends in a CTC head."""
    if "Models" in architecture:
        return all(has_ctc(model) for model in architecture["Models"].values())
    return BY_HEAD.get(head_name(architecture)) is CTC


def _width_after_transform(architecture: Block, width: int) -> int:
    """Width in px that the backbone gets: STN_ON resizes every image, TPS keeps its size."""
    transform = architecture.get("Transform") or {}
    if transform.get("name") != "STN_ON":
        return width
    return int((transform.get("tps_outputsize") or [0, STN_WIDTH])[1])


def _half(width: int) -> int:
    """Width after a 3 × 3 or 5 × 5 layer of stride 2 whose padding keeps the borders."""
    return (width + 1) // 2


def _quarter(backbone: Block, width: int, training: bool) -> int:
    """A stem of stride 2, rows halved after it, and a pool of 2 × 2 without padding."""
    del backbone, training
    return _half(width) // 2


def _mobilenet_v3(backbone: Block, width: int, training: bool) -> int:
    """As `_quarter`; the large network's first block may halve the width once more."""
    if backbone.get("model_name") == "large" and (backbone.get("large_stride") or [1])[0] == 2:
        return _half(_half(width)) // 2
    return _quarter(backbone, width, training)


def _mobilenet_v1_enhance(backbone: Block, width: int, training: bool) -> int:
    del training
    columns = _half(width)
    if _across(backbone.get("last_conv_stride", 1)) == 2:
        columns = _half(columns)
    if backbone.get("last_pool_type", "max") == "avg":
        return int(columns // _across(backbone.get("last_pool_kernel_size", [3, 2])))
    return columns // 2


def _eighth(backbone: Block, width: int, training: bool) -> int:
    """PPLCNetV3, v4 and the PPHGNets: two halvings, then a pool of two columns."""
    columns = fixed_columns({"Backbone": backbone})
    return columns if training and columns is not None else _half(_half(width)) // 2


def _svtr(backbone: Block, width: int, training: bool) -> int:
    """SVTR pools to a fixed number of columns."""
    del width, training
    return int(backbone.get("out_char_num", 25))


def _resnet31(backbone: Block, width: int, training: bool) -> int:
    """Two pools of two columns, which keep the border, and a third one on request."""
    del training
    columns = _half(_half(width))
    return _half(columns) if backbone.get("last_stage_pool") else columns


def _two_strided(backbone: Block, width: int, training: bool) -> int:
    """MTB: two convolutions of stride 2."""
    del backbone, training
    return _half(_half(width))


def _plain(backbone: Block, width: int, training: bool) -> int:
    del backbone, training
    return width // 4


def _across(stride: Any) -> Any:
    """The second of a pair [down, across], or the one number for both."""
    return stride[1] if isinstance(stride, list | tuple) else stride


_STEPS: dict[str, Callable[[Block, int, bool], int]] = {
    "MobileNetV3": _mobilenet_v3,
    "ResNet": _quarter,
    "MobileNetV1Enhance": _mobilenet_v1_enhance,
    "PPLCNetV3": _eighth,
    "PPLCNetV4": _eighth,
    "PPHGNet_small": _eighth,
    "PPHGNetV2_B4": _eighth,
    "SVTRNet": _svtr,
    "ResNet31": _resnet31,
    "MTB": _two_strided,
    "PlainConv": _plain,
}
