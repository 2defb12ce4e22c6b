"""Putting a checkpoint's arrays into a network and its optimiser, with nothing left unsaid.

PaddleOCR warns about parameters that do not match and goes on; a model then trains or exports
from random weights. Here every one that is missing, reshaped or left over is counted and named.
"""

import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn

from ocr_lib.atomic import atomic_file
from ocr_lib.errors import CheckpointError
from ocr_lib.training.checkpoint import NAME_TABLE
from ocr_lib.training.log import RunLog
from ocr_lib.training.parallel import Parallel

MIN_MATCHED = 0.99
EXAMPLES = 5


@dataclass(frozen=True)
class Match:
    """How a file's arrays fit a network.

    Attributes:
        matched: names that are in both with equal shapes.
        missing: parameters of the network that the file lacks.
        reshaped: name → (shape in the file, shape in the network).
        unused: names in the file that the network lacks.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    reshaped: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    unused: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of the network's parameters that were found, 0..1."""
        total = len(self.matched) + len(self.missing) + len(self.reshaped)
        return len(self.matched) / max(1, total)

    def describe(self) -> str:
        """Says what does not fit, with examples."""
        parts = [f"{len(self.matched)} parameters match"]
        for kind, names in (
            ("missing", self.missing),
            ("of another shape", tuple(f"{n} {a}→{b}" for n, (a, b) in self.reshaped.items())),
            ("unused", self.unused),
        ):
            if names:
                more = ", …" if len(names) > EXAMPLES else ""
                parts.append(f"{len(names)} {kind} ({', '.join(names[:EXAMPLES])}{more})")
        return "; ".join(parts)


def save_weights(path: Path, params: dict[str, Any]) -> None:
    """Writes a `.pdparams` file of weights alone, as `paddle.save` and `paddle.load` know it.

    Args:
        path: the file.
        params: a layer's `state_dict()`, or arrays.
    """
    arrays = {n: np.asarray(v.numpy() if hasattr(v, "numpy") else v) for n, v in params.items()}
    with atomic_file(path) as file:
        pickle.dump(arrays, file, protocol=4)


def compare_ranks(network: nn.Layer, parallel: Parallel, log: RunLog) -> None:
    """Makes sure that the processes of a run trained one network and not several.

    Raises:
        ConfigError: their weights differ.
    """
    if parallel.world_size == 1:
        return
    total = hashlib.sha256()
    for value in network.state_dict().values():
        total.update(np.ascontiguousarray(value.numpy()).tobytes())
    parallel.assert_equal_across_ranks(
        "the trained weights", total.hexdigest(), "report this as a defect"
    )
    log.info(
        f"all {parallel.world_size} processes hold the same weights, sha256 {total.hexdigest()}"
    )


def match(network: nn.Layer, params: dict[str, Any]) -> Match:
    """Compares a network's parameters and buffers with a file's arrays by name and shape."""
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    in_file = {n: tuple(np.shape(v)) for n, v in params.items() if n != NAME_TABLE}
    both = [name for name in shapes if name in in_file]
    return Match(
        matched=tuple(n for n in both if in_file[n] == shapes[n]),
        missing=tuple(n for n in shapes if n not in in_file),
        reshaped={n: (in_file[n], shapes[n]) for n in both if in_file[n] != shapes[n]},
        unused=tuple(n for n in in_file if n not in shapes),
    )


def load_into(network: nn.Layer, params: dict[str, Any], where: str, min_share: float) -> Match:
    """Copies every matching array into the network.

    Args:
        network: changed in place.
        params: structured name → array.
        where: the file's name, for messages.
        min_share: least share of the network's parameters that must match.

    Raises:
        CheckpointError: fewer match; the network is left as it was.
    """
    result = match(network, params)
    if result.share < min_share:
        raise CheckpointError(
            where,
            f"fits the configured network only in part: {result.describe()}",
            "Use the configuration and dictionary it was trained with, or set "
            "Global.allow_partial_load=true to start from what fits",
        )
    tensors = network.state_dict()
    for name in result.matched:
        tensors[name].set_value(_as(tensors[name].numpy().dtype, np.asarray(params[name])))
    return result


def _as(dtype: np.dtype[Any], array: NDArray[Any]) -> NDArray[Any]:
    """Returns an array in another dtype; uint16 is how paddle stores bfloat16."""
    if array.dtype == np.uint16 and dtype.kind == "f":
        array = np.left_shift(array, 16, dtype=np.uint32).view(np.float32)  # its upper half
    return array.astype(dtype, copy=False)


def optimizer_state_for(
    network: nn.Layer, state: dict[str, Any], params: dict[str, Any]
) -> dict[str, Any]:
    """Renames an optimiser's state from the tensor names of the process that saved it to ours.

    Paddle names tensors by counting (`conv2d_3.w_0`), so a name depends on what else the process
    had built; the table in `.pdparams` leads from them to the layers' own names and back.
    """
    table = params.get(NAME_TABLE, {})
    tensor_names = {name: value.name for name, value in network.state_dict().items()}
    renamed = {
        saved_name: tensor_names[name] for name, saved_name in table.items() if name in tensor_names
    }
    by_length = sorted(renamed, key=len, reverse=True)
    result: dict[str, Any] = {}
    for key, value in state.items():
        owner = next((n for n in by_length if key == n or key.startswith(n + "_")), None)
        new = key if owner is None else renamed[owner] + key[len(owner) :]
        result[new] = paddle.to_tensor(value) if isinstance(value, np.ndarray) else value
    return result
