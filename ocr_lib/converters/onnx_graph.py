"""Reading an ONNX graph as the list of its weighted operations.

The graph is walked in its own order, which ONNX demands to be topological. Nothing in the file is
executed here; weights outside the file are refused, since their paths could lead anywhere.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ocr_lib.converters.weighted_ops import Array, Kind, WeightedOp
from ocr_lib.errors import ImportModelError

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

MAX_BYTES = 1 << 30
# Operators that pass a constant on, in another form at most.
PASS_ON = frozenset({"Identity", "Reshape", "Unsqueeze", "Squeeze", "Cast"})
UNREADABLE = {
    "LSTM": "a recurrent layer",
    "GRU": "a recurrent layer",
    "QLinearConv": "quantised weights",
    "ConvInteger": "quantised weights",
    "MatMulInteger": "quantised weights",
    "DequantizeLinear": "quantised weights",
    "ConvTranspose": "a transposed convolution, as text detectors have",
}


def read_onnx(content: bytes, where: str) -> tuple[list[WeightedOp], dict[str, str]]:
    """Returns the weighted operations of an ONNX model and its metadata.

    Args:
        content: the file.
        where: its name, for messages.

    Raises:
        ImportModelError: no ONNX model, weights outside the file, or an operation that no network
            of this project has.
    """
    import onnx

    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's, of one class or another
        fix = "Give an ONNX file, a Paddle inference folder or a wheel that holds one"
        raise ImportModelError(where, f"no ONNX model ({error})", fix) from None
    if not model.graph.node:
        raise ImportModelError(where, "an ONNX model without operations", "Check the file")
    reader = _GraphParser(where)
    for tensor in model.graph.initializer:
        reader.add_constant(tensor.name, tensor)
    for node in model.graph.node:
        reader.read(node)
    return reader.steps, {entry.key: entry.value for entry in model.metadata_props}


class _GraphParser:
    """Collects steps from nodes that come in topological order."""

    def __init__(self, where: str) -> None:
        self.steps: list[WeightedOp] = []
        self._where = where
        self._constants: dict[str, Array] = {}
        self._made_by: dict[str, WeightedOp] = {}  # tensor → the step that it comes straight from
        self._scaled: dict[str, tuple[Array, bool]] = {}  # tensor → factor, its input as above
        self._handlers: dict[str, Callable[[Any], None]] = {
            "Constant": self._constant,
            "Conv": self._convolution,
            "BatchNormalization": self._norm,
            "LayerNormalization": self._layer_norm,
            "MatMul": self._linear,
            "Gemm": self._linear,
            "Mul": self._factor,
            "Add": self._summand,
        }

    def add_constant(self, name: str, tensor: "TensorProto") -> None:
        """Keeps a tensor of floating-point numbers."""
        from onnx import TensorProto, numpy_helper

        if tensor.data_location == TensorProto.EXTERNAL:
            fix = "Save the model with its weights inside"
            raise ImportModelError(self._where, f"weight {name} is in another file", fix)
        if tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE):
            self._constants[name] = numpy_helper.to_array(tensor).astype(np.float32)

    def read(self, node: "NodeProto") -> None:
        """Takes one node."""
        if node.op_type in UNREADABLE:
            raise ImportModelError(
                self._where,
                f"the graph has {UNREADABLE[node.op_type]} ({node.op_type})",
                "Import an unquantised recogniser of PP-OCRv3 to v6",
            )
        if node.op_type in PASS_ON:
            self._pass_on(node.input[0], node.output[0], node.op_type)
        elif handler := self._handlers.get(node.op_type):
            handler(node)

    def _pass_on(self, source: str, target: str, operator: str) -> None:
        known: tuple[dict[str, Any], ...] = (self._constants,)
        if operator == "Identity":
            known = self._constants, self._made_by, self._scaled
        for table in known:
            if source in table:
                table[target] = table[source]

    def _constant(self, node: "NodeProto") -> None:
        for attribute in node.attribute:
            if attribute.name == "value":
                self.add_constant(node.output[0], attribute.t)

    def _weight(self, node: "NodeProto", position: int) -> Array:
        name = node.input[position]
        if name not in self._constants:
            raise ImportModelError(
                self._where,
                f"input {name} of {node.op_type} {node.output[0]} is computed, not a weight",
                "Import an exported recogniser of PP-OCRv3 to v6",
            )
        return self._constants[name]

    def _add(
        self, node: "NodeProto", kind: Kind, arrays: dict[str, Array], after_weights: bool = False
    ) -> None:
        step = WeightedOp(kind, node.output[0], arrays, after_weights)
        self.steps.append(step)
        self._made_by[node.output[0]] = step

    def _convolution(self, node: "NodeProto") -> None:
        arrays = {"weight": self._weight(node, 1)}
        if len(node.input) > 2 and node.input[2]:
            arrays["bias"] = self._weight(node, 2).ravel()
        self._add(node, "convolution", arrays)

    def _norm(self, node: "NodeProto") -> None:
        weight, bias, mean, variance = (self._weight(node, i) for i in range(1, 5))
        epsilon = np.asarray(_attribute(node, "epsilon", 1e-5), np.float32)
        arrays = {"weight": weight, "bias": bias, "mean": mean, "variance": variance}
        self._add(node, "norm", {**arrays, "epsilon": epsilon}, after_weights=True)

    def _layer_norm(self, node: "NodeProto") -> None:
        arrays = {"weight": self._weight(node, 1)}
        if len(node.input) > 2 and node.input[2]:
            arrays["bias"] = self._weight(node, 2)
        self._add(node, "layer norm", arrays)

    def _linear(self, node: "NodeProto") -> None:
        if node.input[1] not in self._constants:
            return  # attention multiplies two computed tensors
        weight = self._constants[node.input[1]]
        if node.op_type == "Gemm" and _attribute(node, "transB", 0):
            weight = weight.T
        arrays = {"weight": weight}
        if node.op_type == "Gemm" and len(node.input) > 2:
            arrays["bias"] = self._weight(node, 2).ravel()
        self._add(node, "linear", arrays)

    def _factor(self, node: "NodeProto") -> None:
        """A factor counts where a shift follows: of an affine map, or of a layer norm in parts."""
        tensor, constant = self._operands(node)
        if constant is not None:
            self._scaled[node.output[0]] = constant, tensor in self._made_by

    def _summand(self, node: "NodeProto") -> None:
        """A constant summand is a bias, or the shift after a factor; hard swish's 3 is neither."""
        tensor, constant = self._operands(node)
        if constant is None:
            return
        if tensor in self._constants:  # Paddle2ONNX writes a copy of a weight as weight + 0
            if constant.size == 1:
                self._constants[node.output[0]] = self._constants[tensor] + constant.ravel()[0]
            return
        step = self._made_by.get(tensor)
        if tensor in self._scaled and self._scaled[tensor][0].size == constant.size:
            factor, after_weights = self._scaled[tensor]
            kind: Kind = "affine" if constant.size == 1 else "layer norm"
            arrays = {"weight": factor.ravel(), "bias": constant.ravel()}
            self._add(node, kind, arrays, after_weights)
            if kind == "affine":
                del self._made_by[node.output[0]]
        elif step and "bias" not in step.arrays and constant.size == _width(step):
            step.arrays["bias"] = constant.ravel()
            self._made_by[node.output[0]] = step

    def _operands(self, node: "NodeProto") -> tuple[str, Array | None]:
        """The computed operand and the constant one; None where both are computed."""
        left, right = node.input
        if left in self._constants and right not in self._constants:
            left, right = right, left
        return left, self._constants.get(right)


def _width(step: WeightedOp) -> int:
    """Returns the number of channels or features that a step makes."""
    return int(step.arrays["weight"].shape[1 if step.kind == "linear" else 0])


def _attribute(node: "NodeProto", name: str, default: float) -> float:
    for attribute in node.attribute:
        if attribute.name == name:
            return float(attribute.f or attribute.i)
    return default


def read_file(path: Path) -> bytes:
    """Returns a model file's content, of bounded size.

    Raises:
        ImportModelError: it is missing or too large.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ImportModelError(str(path), "no such file", "Check the path") from None
    if len(content) > MAX_BYTES:
        raise ImportModelError(str(path), f"larger than {MAX_BYTES >> 20} MiB", "Check the file")
    return content
