"""Reading paddle's pickled files as data.

`paddle.load` unpickles, and a pickle can call any function, ask for any amount of memory, or give
numpy a dtype whose content it takes for pointers. Checkpoints hold nothing but arrays of numbers
and plain values around them: `pickle_reader` follows the opcodes that make those, and here what
came out is looked at.
"""

import stat
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ocr_lib.errors import CheckpointError
from ocr_lib.training.pickle_names import SCALARS, check_shape
from ocr_lib.training.pickle_reader import MAX_OPCODES, BoundedFile, read_pickle

MAX_BYTES = 4 << 30  # networks for text lines have some 100 MB
MAX_DEPTH = 32
MAX_VALUES = MAX_OPCODES
MAX_MESSAGE = 200  # characters that come from the file
SLICED = "UnpackBigParamInfor@@"  # paddle.save's table of the arrays that it cut

_CONTAINERS = frozenset({dict, OrderedDict, list, tuple, set})


def load(path: str | Path) -> Any:
    """Returns what a `.pdparams`, `.pdopt` or `.states` file of protocol 2, 3 or 4 holds.

    That is dictionaries, lists, tuples, sets, texts, bytes, numbers, None, and numpy's arrays and
    scalars of numbers. Arrays are read-only and in this machine's byte order; bfloat16 is uint16,
    as paddle stores it.

    Raises:
        CheckpointError: the file is missing, damaged, or holds anything but data.
    """
    path = Path(path)
    try:
        size = _size(path)
        with path.open("rb") as file:
            value = read_pickle(BoundedFile(file, size))
        _check_plain(value)
        return _joined(value)
    except FileNotFoundError:
        raise CheckpointError(str(path), "no such file", "Check the path") from None
    except OSError as error:
        cause = f"cannot be read: {error.strerror}"
        raise CheckpointError(str(path), cause, "Check the file") from error
    except MemoryError:
        cause = "there is not enough memory to read it"
        raise CheckpointError(str(path), cause, "Give the process more memory") from None
    except ValueError as error:
        shown = str(error)[:MAX_MESSAGE].encode("unicode_escape").decode()
        raise CheckpointError(
            str(path), f"not a plain data file ({shown})", "Use a file that paddle.save wrote"
        ) from error


def _size(path: Path) -> int:
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise CheckpointError(str(path), "not a file", "Check the path")
    if facts.st_size > MAX_BYTES:
        cause = f"it has {facts.st_size:,} bytes, and at most {MAX_BYTES:,} are read"
        raise CheckpointError(str(path), cause, "Use the weights of a text recogniser")
    return facts.st_size


def _check_plain(root: Any) -> None:
    """Refuses what is no data, is inside itself, or has more values than a reader can go through.

    Values may be shared, so that a small file can describe an endless tree: each counts wherever
    it stands.

    Raises:
        ValueError: it is such a value.
    """
    measured: dict[int, tuple[int, int]] = {}  # id of a container → its values and depth
    above: set[int] = set()
    todo = [root]
    while todo:
        value = todo[-1]
        if type(value) not in _CONTAINERS:
            _check_leaf(value)
        elif id(value) in above:
            above.remove(id(value))
            measured[id(value)] = _measure(value, measured)
        elif id(value) not in measured:
            above.add(id(value))
            children = list(_inside(value))
            if any(id(child) in above for child in children):
                raise ValueError("a value is inside itself")
            todo += children
            continue
        todo.pop()


def _measure(container: Any, measured: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Returns how many values are in a container, itself included, and how deep they nest."""
    inside = [measured.get(id(child), (1, 0)) for child in _inside(container)]
    values = 1 + sum(count for count, _ in inside)
    depth = 1 + max((depth for _, depth in inside), default=0)
    if depth > MAX_DEPTH:
        raise ValueError(f"it nests more than {MAX_DEPTH} deep")
    if values > MAX_VALUES:
        raise ValueError(f"it holds more than {MAX_VALUES:,} values")
    return values, depth


def _inside(container: Any) -> Iterator[Any]:
    yield from container
    if isinstance(container, dict):
        yield from container.values()


def _check_leaf(value: Any) -> None:
    if type(value) is str:
        value.encode()  # half of a surrogate pair cannot be printed
    elif type(value) not in SCALARS and not isinstance(value, np.ndarray | np.generic):
        raise ValueError(f"it holds a {type(value).__name__}, which is no data")


def _joined(value: Any) -> Any:
    """Returns a dictionary with its arrays whole, where paddle.save cut them.

    Source: paddle.framework.io_utils._unpack_saved_dict: protocols 2 and 3 cut at 1 GiB.

    Raises:
        ValueError: a slice is missing, or they are not of one array.
    """
    if not isinstance(value, dict) or SLICED not in value:
        return value
    table = value.pop(SLICED)
    if type(table) is not dict or not all(type(facts) is dict for facts in table.values()):
        raise ValueError(f"{SLICED} does not say how arrays were cut")
    for name, facts in table.items():
        names, shape = facts.get("slices"), facts.get("OriginShape")
        check_shape(shape)
        if type(names) is not list or not names or not all(type(part) is str for part in names):
            raise ValueError(f"{SLICED} does not say how {name!s} was cut")
        slices = [value.pop(part, None) for part in names]  # each once, so that nothing grows
        if not all(type(part) is np.ndarray and part.ndim == 1 for part in slices):
            raise ValueError(f"a slice of {name!s} is missing")
        if len({part.dtype for part in slices}) > 1:
            raise ValueError(f"the slices of {name!s} are of several dtypes")
        value[name] = np.concatenate(slices).reshape(shape)
    return value
