"""Which operators a Paddle program has, read as data before Paddle's engine gets it.

The engine runs what a program asks for, and some of its operators load and save files, print, or
call into Python; the converter to ONNX aborts the process at what it does not know. So a program
that may come from elsewhere is run or converted only if each of its operators is known to compute
tensors from tensors. There is no control flow among them: recognisers have none.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAX_BYTES = 64 << 20  # of a program without its weights; recognisers have some 100 KB
SHOWN = 5  # operators that a message names
BUILTIN = frozenset({"p", "0.combine", "0.slice", "0.split"})  # p: a parameter
DIALECT = "1."  # of all other operators; a `_` at the end says that it works in place

# Paddle 3's names and Paddle 2's.
OPERATORS = frozenset(
    {
        *("data", "feed", "fetch", "assign", "assign_value", "share_data", "cast", "scale"),
        # convolution, pooling, normalisation, resizing
        *("conv2d", "depthwise_conv2d", "conv2d_transpose", "depthwise_conv2d_transpose"),
        *("pool2d", "max_pool2d_with_index", "pad", "pad2d", "pad3d", "affine_grid", "grid_sample"),
        "grid_sampler",
        *("batch_norm", "layer_norm", "instance_norm", "group_norm", "norm", "p_norm", "dropout"),
        *("bilinear_interp", "bilinear_interp_v2", "nearest_interp", "nearest_interp_v2"),
        # activations
        *("relu", "relu6", "leaky_relu", "prelu", "elu", "gelu", "silu", "swish", "mish"),
        *("sigmoid", "logsigmoid", "tanh", "softmax", "log_softmax", "softplus"),
        *("hardsigmoid", "hard_sigmoid", "hardswish", "hard_swish"),
        # arithmetic
        *("add", "subtract", "multiply", "divide", "maximum", "minimum", "pow", "elementwise_pow"),
        *("elementwise_add", "elementwise_sub", "elementwise_mul", "elementwise_div"),
        *("elementwise_max", "elementwise_min", "floor_divide", "remainder"),
        *("matmul", "matmul_v2", "mul", "bmm", "sum", "mean", "max", "min", "clip", "cumsum"),
        *("reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod", "prod"),
        *("sqrt", "rsqrt", "square", "exp", "log", "abs", "floor", "ceil", "round", "sign"),
        *("equal", "not_equal", "less_than", "less_equal", "greater_than", "greater_equal"),
        *("logical_and", "logical_or", "logical_not", "where"),
        *("arg_max", "argmax", "arg_min", "argmin", "top_k", "topk", "top_k_v2"),
        # shapes
        *("reshape", "reshape2", "transpose", "transpose2", "flatten", "flatten2"),
        *("flatten_contiguous_range", "squeeze", "squeeze2", "unsqueeze", "unsqueeze2"),
        *("concat", "stack", "split", "split_with_num", "unbind", "unstack", "slice"),
        *("strided_slice", "gather", "gather_nd", "index_select", "expand", "expand_v2", "tile"),
        *("expand_as", "expand_as_v2", "shape", "shape64", "flip", "roll", "tril", "triu"),
        *("tril_triu", "full", "full_like", "full_int_array", "full_with_tensor"),
        *("fill_constant", "fill_any_like", "fill_constant_batch_size_like"),
        *("arange", "range", "linspace", "increment"),
        # sequences
        *("rnn", "embedding", "lookup_table", "lookup_table_v2", "one_hot", "one_hot_v2"),
    }
)


def unknown_operators(program: Path) -> list[str]:
    """Returns the operators of a program that are not known to be harmless, sorted.

    Args:
        program: `.json` of Paddle 3, or `.pdmodel` of Paddle 2.

    Raises:
        ValueError: the file is no program.
    """
    with program.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB")
    names = _of_json(content) if program.suffix == ".json" else _of_protobuf(content)
    return sorted(set(names))


def describe(operators: list[str]) -> str:
    """Returns the first of them, for a message."""
    shown = ", ".join(name[:40].encode("unicode_escape").decode() for name in operators[:SHOWN])
    return f"{shown}, …" if len(operators) > SHOWN else shown


def _of_json(content: bytes) -> Iterator[str]:
    """Yields the unknown ones of Paddle 3's format: whatever stands in a list called `ops`."""
    try:
        todo = [json.loads(content.decode(), object_pairs_hook=_without_doubles)]
    except RecursionError:
        raise ValueError("it nests too deep") from None
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            if not isinstance(node.get("ops", []), list):
                raise ValueError("ops is not a list")
            for operator in node.get("ops", []):
                name = operator.get("#") if isinstance(operator, dict) else None
                if not isinstance(name, str):
                    raise ValueError("an operator has no name")
                plain = name.removeprefix(DIALECT).removesuffix("_")
                known = name.startswith(DIALECT) and plain in OPERATORS
                if not known and name not in BUILTIN:
                    yield name
            todo += node.values()
        elif isinstance(node, list):
            todo += node


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a key that stands twice: another reader may take the other one."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return values


def _of_protobuf(content: bytes) -> Iterator[str]:
    """Yields the unknown ones of Paddle 2's format."""
    from google.protobuf.message import DecodeError
    from paddle.base.proto.framework_pb2 import ProgramDesc

    program = ProgramDesc()
    try:
        program.ParseFromString(content)
    except DecodeError as error:
        raise ValueError(str(error)) from None
    for block in program.blocks:
        yield from (operator.type for operator in block.ops if operator.type not in OPERATORS)
