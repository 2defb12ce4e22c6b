"""Turning Paddle's inference format into ONNX."""

from pathlib import Path
from typing import Any

import onnx

from ocr_lib.atomic import write_bytes
from ocr_lib.inference.bundle import ONNX, PADDLE, PADDLE_WEIGHTS
from ocr_lib.native_output import captured
from ocr_lib.text.dictionary import Charset

OPSET = 17  # what Triton's ONNX Runtime of the last years reads
OUTPUT = "probs"


def save_onnx(out_dir: Path, dictionary: Charset) -> None:
    """Writes `model.onnx` from the Paddle files in the same directory.

    The input `x` is float32 [batch, C, H, width], the output `probs` float32
    [batch, steps, classes]. The characters stand in the metadata, where RapidOCR looks for them.

    Raises:
        ExportError: Paddle2ONNX cannot convert an operator.
    """
    model = onnx.load_from_string(_convert(out_dir))
    source, target = model.graph.input[0], model.graph.output[0]
    for node in model.graph.node:
        for i, name in enumerate(node.output):
            if name == target.name:
                node.output[i] = OUTPUT
        for i, name in enumerate(node.input):
            if name == target.name:
                node.input[i] = OUTPUT
    target.name = OUTPUT
    _name_open_dimension(source, 0, "batch")
    _name_open_dimension(target, 0, "batch")
    _name_open_dimension(source, 3, "width")
    _name_open_dimension(target, 1, "steps")
    onnx.helper.set_model_props(model, {"character": "\n".join(dictionary.characters)})
    onnx.checker.check_model(model)
    write_bytes(out_dir / ONNX, model.SerializeToString(deterministic=True))


def _convert(out_dir: Path) -> bytes:
    import paddle2onnx  # here, because it looks for a compiler when it is imported

    program, weights = out_dir / f"{PADDLE}.json", out_dir / PADDLE_WEIGHTS
    with captured("conversion to ONNX"):
        # Its optimisation step installs packages while it runs; ONNX Runtime folds anyway.
        return bytes(
            paddle2onnx.export(
                str(program), str(weights), opset_version=OPSET, optimize_tool="none"
            )
        )


def _name_open_dimension(tensor: Any, axis: int, name: str) -> None:
    """Names a dimension that is open; one that was fixed while tracing stays so."""
    dimension = tensor.type.tensor_type.shape.dim[axis]
    if not dimension.HasField("dim_value"):
        dimension.dim_param = name
