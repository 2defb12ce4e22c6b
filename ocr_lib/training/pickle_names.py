"""What the names in a checkpoint's pickle stand for: functions of this module, and no others.

Source: numpy's `ndarray.__reduce__` and `dtype.__reduce__`, the same in numpy 1 and 2; Python's
`pickle` for bytes and sets of protocol 2; paddle.framework.io for tensors.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DIMENSIONS = 32
MAX_SIZE = 1 << 31  # of a dimension
KEY_BITS = 64  # more of them, and whole numbers can be chosen that all have the same hash
KINDS = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"})
SCALARS = frozenset({bool, int, float, str, bytes, type(None)})
BYTE_ORDERS = frozenset("<>=|")
# What follows version and byte order in the state of a number's dtype: fields, alignment, flags.
DTYPE_STATE = (None, None, None, -1, -1, 0)

Arguments = tuple[Any, ...]


class Global:
    """A name that the file asks for; it stands for itself until it is reduced."""

    def __init__(self, name: str) -> None:
        self.name = name


class DType:
    """A numpy dtype of numbers: its kind, and from its state its byte order."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._order = "="

    def build(self, state: Arguments) -> None:
        """Takes the byte order; a state with anything else could make pointers of the content.

        Raises:
            ValueError: it is not the state of a number's dtype.
        """
        if any(type(item) not in (int, str, type(None)) for item in state):
            raise ValueError("the state of a dtype is not that of a number's")
        if state[:1] != (3,) or state[1:2] == () or state[2:] != DTYPE_STATE:
            raise ValueError("the state of a dtype is not that of a number's")
        if state[1] not in BYTE_ORDERS:
            raise ValueError("a dtype has no known byte order")
        self._order = state[1]

    @property
    def numpy(self) -> np.dtype[Any]:
        """The dtype itself."""
        return np.dtype(f"{self._order}{self._kind}")


class EmptyArray:
    """An array before its state gives it content."""


def key(value: Any) -> Any:
    """Returns a key or a member of a set: scalars only, as the hash of a deep tuple is recursive.

    Raises:
        ValueError: it is another value.
    """
    if type(value) not in SCALARS:
        raise ValueError(f"a {type(value).__name__} is a key")
    if type(value) is int and value.bit_length() > KEY_BITS:
        raise ValueError(f"a number of {value.bit_length()} bits is a key")
    return value


def dtype(arguments: Arguments) -> DType:
    """`numpy.dtype(kind, align, copy)`."""
    kind, *flags = arguments or ("",)
    if type(kind) is not str or kind not in KINDS:
        named = f" {kind[:20]}" if type(kind) is str else ""
        raise ValueError(f"it asks for the dtype{named}, which is none of numbers")
    if len(flags) > 2 or any(type(flag) not in (bool, int) for flag in flags):
        raise ValueError("a dtype has other arguments than numpy's")
    return DType(kind)


def empty_array(arguments: Arguments) -> EmptyArray:
    """`numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), b"b")`."""
    if not arguments or type(arguments[0]) is not Global or arguments[0].name != "numpy.ndarray":
        raise ValueError("it asks for an array that is not numpy's")
    return EmptyArray()


def array(state: Arguments) -> NDArray[Any]:
    """Returns an array, read-only, from its state: version, shape, dtype, column order, content.

    Raises:
        ValueError: it is not the state of an array of numbers.
    """
    kinds = [type(item) for item in state]
    if kinds[:4] != [int, tuple, DType, bool] or len(kinds) != 5 or state[0] != 1:
        raise ValueError("the state of an array is not numpy's")
    _, shape, kind, by_columns, content = state
    return _filled(shape, kind, content, by_columns)


def scalar(arguments: Arguments) -> Any:
    """`numpy.core.multiarray.scalar(dtype, content)`."""
    if len(arguments) != 2 or type(arguments[0]) is not DType:
        raise ValueError("the arguments of a scalar are not numpy's")
    return _filled((), *arguments)[()]


def check_shape(shape: Any) -> None:
    """Raises ValueError for what is not the shape of an array."""
    if type(shape) is not tuple or any(type(size) is not int for size in shape):
        raise ValueError("a shape is not of whole numbers")
    if len(shape) > MAX_DIMENSIONS or any(not 0 <= size <= MAX_SIZE for size in shape):
        raise ValueError("an array has a shape that is too large")


def _filled(shape: Arguments, kind: DType, content: Any, by_columns: bool = False) -> NDArray[Any]:
    check_shape(shape)
    if type(content) is str:  # how Python 2 wrote bytes
        content = content.encode("latin1")
    if type(content) is not bytes:
        raise ValueError("the content of an array is not of bytes")
    if math.prod(shape) * kind.numpy.itemsize != len(content):
        raise ValueError(f"{len(content):,} bytes are not an array {shape} of {kind.numpy}")
    flat = np.frombuffer(content, kind.numpy) if content else np.empty(0, kind.numpy)
    shaped = flat.reshape(shape, order="F" if by_columns else "C")
    return shaped.astype(kind.numpy.newbyteorder("="), copy=False)


def encoded(arguments: Arguments) -> bytes:
    """`_codecs.encode(text, "latin1")`: how protocol 2 spells bytes."""
    if [type(item) for item in arguments] != [str, str] or arguments[1] != "latin1":
        raise ValueError("bytes are not written as pickle does")
    return bytes(arguments[0].encode("latin1"))


def no_bytes(arguments: Arguments) -> bytes:
    """`bytes()`: how protocol 2 spells none."""
    if arguments:
        raise ValueError("bytes are not written as pickle does")
    return b""


def tuple_of(arguments: Arguments) -> Arguments:
    """`tuple((name, array))`: how paddle.save writes a tensor."""
    if len(arguments) != 1 or type(arguments[0]) is not tuple:
        raise ValueError("a tuple is not written as paddle.save does")
    return arguments[0]


def set_of(arguments: Arguments) -> set[Any]:
    """`set([…])`: how protocols 2 and 3 spell one."""
    if len(arguments) != 1 or type(arguments[0]) is not list:
        raise ValueError("a set is not written as pickle does")
    return set(map(key, arguments[0]))


def ordered(arguments: Arguments) -> OrderedDict[Any, Any]:
    """`OrderedDict()`, filled afterwards, or `OrderedDict([[key, value], …])`, as Python 2 did."""
    pairs = arguments[0] if arguments else []
    if len(arguments) > 1 or type(pairs) is not list:
        raise ValueError("an OrderedDict is not written as pickle does")
    if any(type(pair) not in (list, tuple) or len(pair) != 2 for pair in pairs):
        raise ValueError("an OrderedDict is not made of pairs")
    return OrderedDict((key(name), value) for name, value in pairs)


FUNCTIONS: dict[str, Callable[[Arguments], Any]] = {
    "numpy.dtype": dtype,
    "numpy.core.multiarray._reconstruct": empty_array,
    "numpy._core.multiarray._reconstruct": empty_array,
    "numpy.core.multiarray.scalar": scalar,
    "numpy._core.multiarray.scalar": scalar,
    "_codecs.encode": encoded,
    "builtins.bytes": no_bytes,
    "__builtin__.bytes": no_bytes,
    "builtins.tuple": tuple_of,
    "__builtin__.tuple": tuple_of,
    "builtins.set": set_of,
    "__builtin__.set": set_of,
    "collections.OrderedDict": ordered,
}
