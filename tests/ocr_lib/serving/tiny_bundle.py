"""A bundle with a network small enough to build in a test: it reads columns by their brightness.

Class k wins where the mean grey of a column block is nearest to level k: a line painted in
vertical bars of the characters' levels reads as those characters.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ocr_lib.data.image import Preprocess
from ocr_lib.inference.bundle import write_manifest
from ocr_lib.text.dictionary import Charset

HEIGHT = 32
STRIDE = 8  # px a time step, at the height of 32
CHARACTERS = ("a", "b", "c", "é", "中")
PREPROCESS = Preprocess(HEIGHT, (64, 128, 256), 3)
# What a certificate says whose bundle may serve.
PASSING = {
    "texts_equal": True,
    **{"max_abs_diff": 0.0, "allowed_abs_diff": 1e-3},
    **{"max_score_diff": 0.0, "allowed_score_diff": 1e-4},
    "lines": [{"text": "abc"}, {"text": ""}],
}


def write_bundle(
    folder: Path,
    characters: tuple[str, ...] = CHARACTERS,
    *,
    sharpness: float = 40.0,
    scale: int = 1,
    lineage: Mapping[str, str] | None = None,
    certificate: Mapping[str, Any] | None = PASSING,
) -> Path:
    """Writes `model.onnx`, `dictionary.txt` and `bundle.json`.

    Args:
        folder: where to.
        characters: what the network can say.
        sharpness: how sure it is; the text stays the same, the score does not.
        scale: of the network's input; its tensors are named by it.
        lineage: where it says it comes from.
        certificate: what `parity.json` holds; None writes none.
    """
    folder.mkdir(parents=True)
    preprocess = Preprocess(HEIGHT * scale, tuple(w * scale for w in PREPROCESS.buckets), 3)
    onnx.save(_network(len(characters) + 1, sharpness, scale), folder / "model.onnx")
    if certificate is not None:
        (folder / "parity.json").write_text(json.dumps(certificate))
    info = {"model_name": "tiny", **({"lineage": dict(lineage)} if lineage else {})}
    write_manifest(folder, info, preprocess, Charset(characters))
    return folder


def line_image(text: str, characters: tuple[str, ...] = CHARACTERS) -> bytes:
    """Paints a line that the network reads as `text`; PNG."""
    columns = []
    for character in text:
        level = _levels(len(characters) + 1)[characters.index(character) + 1]
        columns += [np.full((HEIGHT, STRIDE), round((level + 1) / 2 * 255), np.uint8)]
        columns += [np.full((HEIGHT, STRIDE), 128, np.uint8)]
    image: NDArray[np.uint8] = np.concatenate(columns, axis=1)
    return bytes(cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))[1])


def _levels(classes: int) -> NDArray[np.float32]:
    """Grey of each class in -1…1; the blank is the padding's 0."""
    spread = np.linspace(-1.0, 1.0, classes, dtype=np.float32)
    rest = spread[np.abs(spread) > 1e-3]
    return np.concatenate([[np.float32(0)], rest])[:classes]


def _network(classes: int, sharpness: float, scale: int) -> onnx.ModelProto:
    """Column means, then softmax(-sharpness (mean - level)^2): a linear layer and a bias."""
    levels, height, stride = _levels(classes), HEIGHT * scale, STRIDE * scale
    source, target = f"x{scale}", f"probs{scale}"
    kernel = np.full((1, 3, height, stride), 1 / (3 * height * stride), np.float32)
    initializers = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array((2 * sharpness * levels).reshape(1, 1, -1), "weight"),
        numpy_helper.from_array(-sharpness * levels**2, "bias"),
        numpy_helper.from_array(np.array([2], np.int64), "axis"),
    ]
    nodes = [
        helper.make_node("Conv", [source, "kernel"], ["mean"], strides=[height, stride]),
        helper.make_node("Squeeze", ["mean", "axis"], ["row"]),
        helper.make_node("Transpose", ["row"], ["steps"], perm=[0, 2, 1]),
        helper.make_node("Mul", ["steps", "weight"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], [target], axis=2),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["n", 3, height, "w"])],
        [helper.make_tensor_value_info(target, TensorProto.FLOAT, ["n", "t", classes])],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
