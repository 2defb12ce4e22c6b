"""Writing Paddle's inference format, as PaddleOCR and PaddleX read it."""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paddle
import yaml
from paddle import nn
from paddle.static import InputSpec

from ocr_lib.algorithms import CTC, RecognitionAlgorithm
from ocr_lib.algorithms.choice import networks_of
from ocr_lib.atomic import write_text
from ocr_lib.config.schema import Config
from ocr_lib.data.image import Preprocess
from ocr_lib.export.paddle2_operators import old_operators
from ocr_lib.export.paddle_weights import is_whole
from ocr_lib.inference.bundle import PADDLE, PADDLE_WEIGHTS
from ocr_lib.native_output import captured
from ocr_lib.text.dictionary import Charset

PROGRAM_BYTES = 1 << 20  # of a program without its weights; recognisers have some 100 KB
INPUT = "x"  # PaddleOCR's name of the input tensor
DEFAULT_MODEL_NAME = "ocr_rec"
# What PaddleX's predictor accepts of the evaluation transforms; it refuses any other.
PADDLEX_TRANSFORMS = ("DecodeImage", "MultiLabelEncode", "RecResizeImg", "KeepKeys")


def merge_branches(model: nn.Layer) -> None:
    """Turns layers that train with several branches into single convolutions, in place."""
    for layer in model.sublayers(include_self=True):
        if callable(getattr(layer, "rep", None)) and not getattr(layer, "is_repped", False):
            layer.rep()


def input_shape(config: Config, preprocess: Preprocess) -> list[int | None]:
    """Returns [N, C, H, W] of the exported network, None where any size will do.

    The width is open unless images are stretched to one, or the network computes with one.
    """
    networks = networks_of(config.architecture).values()
    one = not preprocess.keep_ratio or any(map(_has_one_width, networks))
    width = preprocess.buckets[-1] if one else None
    return [None, preprocess.channels, preprocess.height, width]


def _has_one_width(network: Mapping[str, Any]) -> bool:
    """TPS makes its grid, and SVTR its positions, for one width."""
    names = [(network.get(stage) or {}).get("name") for stage in ("Transform", "Backbone")]
    return names[0] == "TPS" or names[1] == "SVTRNet"


def save_paddle(model: nn.Layer, shape: list[int | None], out_dir: Path) -> None:
    """Writes the network as `inference.json` (a static graph) and `inference.pdiparams`.

    Args:
        model: a paddle layer in evaluation mode.
        shape: [N, C, H, W] of its input, None where open.
        out_dir: where to write.

    Raises:
        ExportError: the network cannot be traced.
        OSError: the disk is full.
    """
    with _room_for(model, out_dir), captured("export to Paddle's inference format"):
        _trace(model, shape, out_dir)


def save_paddle2(model: nn.Layer, shape: list[int | None], out_dir: Path) -> None:
    """Like `save_paddle`, but writes `inference.pdmodel`, which Paddle 2 reads.

    Raises:
        ExportError: the network cannot be traced, or computes with what Paddle 2 does not have.
    """
    with (
        _room_for(model, out_dir),
        captured("export to Paddle 2's inference format"),
        paddle.pir_utils.OldIrGuard(),
        old_operators(),
    ):
        _trace(model, shape, out_dir)


@contextmanager
def _room_for(model: nn.Layer, out_dir: Path) -> Iterator[None]:
    """Checks for room for a network, before and after the block: Paddle does not say it is full.

    Afterwards there may be room again, as others delete files, so the file of weights counts too.

    Raises:
        OSError: it is full.
    """
    needed = sum(value.size * value.element_size() for value in model.state_dict().values())
    out_dir.mkdir(parents=True, exist_ok=True)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(out_dir / PADDLE_WEIGHTS))
    if shutil.disk_usage(out_dir).free < needed + PROGRAM_BYTES:
        raise full
    yield
    if not is_whole(out_dir / PADDLE_WEIGHTS) or not shutil.disk_usage(out_dir).free:
        raise full


def _trace(model: nn.Layer, shape: list[int | None], out_dir: Path) -> None:
    spec = [InputSpec(shape, "float32", name=INPUT)]
    static = paddle.jit.to_static(model, input_spec=spec, full_graph=True)
    try:
        paddle.jit.save(static, str(out_dir / PADDLE))
    finally:
        model.forward = static.forward.rollback()


def write_inference_yml(
    config: Config, algorithm: RecognitionAlgorithm, dictionary: Charset, out_dir: Path
) -> None:
    """Writes `inference.yml`: what PaddleX needs beside the network.

    PaddleX reads CTC networks only; for the others the file says what PaddleOCR's would. It appends
    a space to the characters whatever the file says, so one that stands last in the dictionary is
    left out here.
    """
    characters = list(dictionary.characters)
    if characters[-1] == " ":
        characters.pop()
    transforms = [
        {part.name: part.args or None}
        for part in config.eval.dataset.transforms
        if part.name in PADDLEX_TRANSFORMS or algorithm is not CTC
    ]
    content = {
        "Global": {"model_name": config.global_.model_name or DEFAULT_MODEL_NAME},
        "PreProcess": {"transform_ops": transforms},
        "PostProcess": {"name": algorithm.post_process, "character_dict": characters},
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    write_text(out_dir / f"{PADDLE}.yml", text)
