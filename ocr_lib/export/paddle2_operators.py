"""Operators of Paddle 2's format, for the functions of Paddle 3.3 that write the new format only.

Some functions, `paddle.matmul` and `paddle.nn.functional.sigmoid` among them, are generated: they
call the new format's operator whatever is being written. They find it in one module, where this
puts operators of the old format in its place.

Source: the operators' names and attributes as in Paddle 2's `python/paddle/tensor` and
`python/paddle/nn/functional`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import BuiltinFunctionType
from typing import Any

import paddle
from paddle.base.dygraph import generated_tensor_methods_patch as generated
from paddle.base.framework import convert_np_dtype_to_proto_type
from paddle.base.layer_helper import LayerHelper
from paddle.static import Variable

from ocr_lib.errors import ExportError

OPERATORS = "_C_ops"  # what the generated functions call, in their module
UNARY = (
    *("abs", "acos", "acosh", "asin", "atanh", "ceil", "cos", "cosh", "exp", "expm1", "floor"),
    *("log", "log10", "log1p", "log2", "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt", "tanh"),
)


@contextmanager
def old_operators() -> Iterator[None]:
    """While the block lasts, networks are traced with operators of Paddle 2's format.

    Paddle 3.3 copies every property of a buffer while it translates, and its new property
    `Tensor.device` raises there: it is taken away meanwhile.
    """
    tensor = paddle.base.core.eager.Tensor
    device, operators = tensor.device, getattr(generated, OPERATORS)
    old = _OldOperators(operators)
    # Methods of a graph's variables are the new operators themselves, which get no `self`.
    methods = {
        name: method
        for name, _ in generated.methods_map
        if isinstance(method := getattr(Variable, name, None), BuiltinFunctionType)
    }
    del tensor.device
    setattr(generated, OPERATORS, old)
    for name in methods:
        setattr(Variable, name, _method(getattr(old, name)))
    try:
        yield
    finally:
        tensor.device = device
        setattr(generated, OPERATORS, operators)
        for name, method in methods.items():
            setattr(Variable, name, method)


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that is bound to the variable whose method it becomes."""

    def method(self: Variable, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return method


class _OldOperators:
    """Writes known operators in the old format, and leaves all else to Paddle."""

    def __init__(self, operators: Any) -> None:
        self._operators = operators

    def __getattr__(self, name: str) -> Callable[..., Any]:
        newest = getattr(self._operators, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            kwargs.pop("name", None)
            while args[1:] and args[-1] is None:  # the name, and what is left at its default
                args = args[:-1]
            if not any(isinstance(value, Variable) for value in (*args, *kwargs.values())):
                return newest(*args, **kwargs)
            if name not in OLD:
                raise ExportError(
                    f"Paddle 2's format: the operator {name} cannot be written. "
                    "Export without --old-names."
                )
            return OLD[name](*args, **kwargs)

        return call


def _append(type_: str, inputs: Mapping[str, Any], out: str = "Out", **attributes: Any) -> Any:
    """Adds an operator to the graph; returns its result, of the type of its first input."""
    helper = LayerHelper(type_)
    result = helper.create_variable_for_type_inference(next(iter(inputs.values())).dtype)
    helper.append_op(type=type_, inputs=dict(inputs), outputs={out: result}, attrs=attributes)
    return result


def _unary(type_: str) -> Callable[..., Any]:
    return lambda x: _append(type_, {"X": x})


def _binary(type_: str) -> Callable[..., Any]:
    return lambda x, y: _append(type_, {"X": x, "Y": y}, axis=-1)


def _logical(type_: str) -> Callable[..., Any]:
    return lambda x, y: _append(type_, {"X": x, "Y": y})


def _greater_than(x: Any, y: Any) -> Any:
    helper = LayerHelper("greater_than")
    result = helper.create_variable_for_type_inference("bool")
    attributes = {"axis": -1}
    helper.append_op(
        type="greater_than", inputs={"X": x, "Y": y}, outputs={"Out": result}, attrs=attributes
    )
    return result


def _matmul(x: Any, y: Any, transpose_x: bool = False, transpose_y: bool = False) -> Any:
    return _append("matmul_v2", {"X": x, "Y": y}, trans_x=transpose_x, trans_y=transpose_y)


def _sum(x: Any, axis: Any = None, dtype: Any = None, keepdim: bool = False) -> Any:
    return _reduce("reduce_sum")(x if dtype is None else x.astype(dtype), axis, keepdim)


def _reduce(type_: str) -> Callable[..., Any]:
    def reduce(x: Any, axis: Any = None, keepdim: bool = False) -> Any:
        axes = [0] if axis is None else [axis] if isinstance(axis, int) else list(axis)
        return _append(type_, {"X": x}, dim=axes, keep_dim=keepdim, reduce_all=axis is None)

    return reduce


def _argmax(x: Any, axis: int | None = None, keepdim: bool = False, dtype: str = "int64") -> Any:
    helper = LayerHelper("arg_max")
    result = helper.create_variable_for_type_inference(dtype)
    attributes = {
        "axis": 0 if axis is None else axis,
        "keepdims": keepdim,
        "flatten": axis is None,
        "dtype": convert_np_dtype_to_proto_type(dtype),
    }
    helper.append_op(type="arg_max", inputs={"X": x}, outputs={"Out": result}, attrs=attributes)
    return result


def _gelu(x: Any, approximate: bool = False) -> Any:
    return _append("gelu", {"X": x}, approximate=approximate)


def _grid_sample(
    x: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = True,
) -> Any:
    return _append(
        "grid_sampler",
        {"X": x, "Grid": grid},
        "Output",
        mode=mode,
        padding_mode=padding_mode,
        align_corners=align_corners,
    )


OLD: dict[str, Callable[..., Any]] = {
    **{name: _unary(name) for name in UNARY},
    "multiply": _binary("elementwise_mul"),
    "maximum": _binary("elementwise_max"),
    "minimum": _binary("elementwise_min"),
    **{name: _logical(name) for name in ("logical_and", "logical_or", "logical_xor")},
    **{name: _reduce(f"reduce_{name}") for name in ("all", "any", "amax", "amin")},
    "logical_not": _unary("logical_not"),
    "bmm": _logical("bmm"),
    "greater_than": _greater_than,
    "matmul": _matmul,
    "sum": _sum,
    "argmax": _argmax,
    "gelu": _gelu,
    "grid_sample": _grid_sample,
}
