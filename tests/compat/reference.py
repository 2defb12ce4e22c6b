"""Reads the reference facts of one configuration."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

DEFAULT_SHAPE = (3, 48, 320)


@dataclass(frozen=True)
class NamedPart:
    name: str
    args: dict[str, Any]


@dataclass(frozen=True)
class Reference:
    architecture: dict[str, Any]
    loss: NamedPart
    image_shape: tuple[int, ...]
    num_classes: int
    params: dict[str, list[int]]
    grad_norms: dict[str, float] | None
    arrays: dict[str, np.ndarray]

    def outputs(self) -> list[str]:
        """Names of the eval outputs: `out`, or a sub-model's name."""
        return [key.removesuffix(".shape") for key in self.arrays if key.endswith(".shape")]

    def losses(self) -> dict[str, float]:
        return {k.removeprefix("loss."): v for k, v in self.arrays.items() if k.startswith("loss.")}


def read_reference(folder: Path, name: str) -> Reference:
    facts = json.loads((folder / f"{name}.json").read_text())
    config = json.loads((folder / "configs" / f"{name}.json").read_text())["config"]
    with np.load(folder / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    loss = dict(config["Loss"])
    return Reference(
        architecture=config["Architecture"],
        loss=NamedPart(loss.pop("name"), loss),
        image_shape=_image_shape(config["Eval"]["dataset"]["transforms"]),
        num_classes=_ctc_classes(config["Architecture"], facts["classes"]),
        params=facts["params"],
        grad_norms=facts.get("grad_norms"),
        arrays=arrays,
    )


def _image_shape(transforms: list[dict[str, Any]]) -> tuple[int, ...]:
    for transform in transforms:
        if "RecResizeImg" in transform:
            return tuple(transform["RecResizeImg"]["image_shape"])
    return DEFAULT_SHAPE


def _ctc_classes(architecture: dict[str, Any], classes: int) -> int:
    """`classes` counts the symbols of the configuration's own decoder; ours counts CTC's."""
    extra = {"AttentionHead": 1, "SARHead": 2}
    return classes - extra.get(architecture.get("Head", {}).get("name"), 0)
