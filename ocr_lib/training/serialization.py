"""Plain values and arrays as bytes, to send to another process; nothing in them is executed."""

import io
import json
from typing import Any

import numpy as np

ARRAY, TUPLE = "__array__", "__tuple__"


def dumps(value: Any) -> bytes:
    """Returns the bytes of None, numbers, strings, arrays, and lists, tuples and dicts of them.

    Raises:
        TypeError: the value holds anything else.
    """
    arrays: list[np.ndarray] = []
    text = json.dumps(_plain(value, arrays)).encode()
    file = io.BytesIO()
    np.savez(file, np.frombuffer(text, np.uint8), *arrays, allow_pickle=False)
    return file.getvalue()


def loads(data: bytes) -> Any:
    """Returns what `dumps` was given."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = [file[name] for name in file.files]
    return _restored(json.loads(arrays[0].tobytes()), arrays[1:])


def _plain(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {ARRAY: len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return {TUPLE: [_plain(item, arrays) for item in value]}
    if isinstance(value, list):
        return [_plain(item, arrays) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"keys are not all strings: {list(value)[:5]}")
        return {key: _plain(item, arrays) for key, item in value.items()}
    return value


def _restored(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_restored(item, arrays) for item in value]
    if isinstance(value, dict):
        if ARRAY in value:
            return arrays[value[ARRAY]]
        if TUPLE in value:
            return tuple(_restored(item, arrays) for item in value[TUPLE])
        return {key: _restored(item, arrays) for key, item in value.items()}
    return value
