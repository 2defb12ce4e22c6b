"""Reading paddle's pickled files without executing what they say.

`paddle.load` unpickles, and a pickle can call any function. Weights and optimiser states hold
nothing but arrays, numbers, strings and containers, so an unpickler that knows only these reads
every honest file.
"""

import pickle
from pathlib import Path
from typing import Any

from ocr_lib.errors import CheckpointError

_ALLOWED = {
    ("builtins", "tuple"),
    ("builtins", "list"),
    ("builtins", "dict"),
    ("builtins", "set"),
    ("_codecs", "encode"),  # how protocol 2 spells bytes
    ("collections", "OrderedDict"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.numeric", "_frombuffer"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


def load(path: str | Path) -> Any:
    """Returns what a `.pdparams`, `.pdopt` or `.states` file holds.

    Raises:
        CheckpointError: the file is missing, damaged, or asks for anything but data.
    """
    try:
        with open(path, "rb") as file:
            return _Unpickler(file, encoding="latin1").load()
    except FileNotFoundError:
        raise CheckpointError(str(path), "no such file", "check the path") from None
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, AttributeError) as error:
        raise CheckpointError(
            str(path), f"not a plain data file ({error})", "use a file that paddle.save wrote"
        ) from error
