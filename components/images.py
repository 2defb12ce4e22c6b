"""The container image of each step: one image a dependency set.

A component's image is fixed when its module is imported, so another registry, tag or digest comes
by environment before that: `OCR_IMAGE_DATA=registry/ocr-data@sha256:… ocr pipeline compile`, which
`--image data=…` does, and `--images build/images.json` for all of them.
"""

import json
import os
import re
from pathlib import Path
from typing import Literal, get_args

from ocr_lib import __version__
from ocr_lib.errors import ConfigError

# data: labels, LMDB, images, no paddle; train: paddle and ONNX, for training, evaluation and
# export; serve: ONNX Runtime and Triton's client.
Name = Literal["data", "train", "serve"]
NAMES: tuple[Name, ...] = get_args(Name)
# name[:tag][@sha256:digest], as registries take it
REFERENCE = re.compile(r"[a-z0-9][a-z0-9._/:-]*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?")


def variable(name: str) -> str:
    """Returns the environment variable that overrides the image `name`."""
    return f"OCR_IMAGE_{name.upper()}"


def image(name: Name) -> str:
    """Returns the full reference of an image: the override, or the tag of this version."""
    return os.environ.get(variable(name)) or f"ocr-pipelines/{name}:{__version__}"


def read_images(path: Path) -> dict[Name, str]:
    """Reads what `make images` wrote: the full reference of each image, by name.

    Raises:
        ConfigError: the file is missing, or lacks the image of a step.
    """
    step = "Write it with `make images REGISTRY=… PUSH=1`"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), str(error), step) from error
    if not isinstance(found, dict):
        raise ConfigError(str(path), "is not an object of names and references", step)
    for name in NAMES:
        reference = found.get(name)
        if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
            raise ConfigError(str(path), f"{name}: {reference!r} is not an image", step)
    return {name: found[name] for name in NAMES}
