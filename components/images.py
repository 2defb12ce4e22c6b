"""The container image of each step: one image a dependency set.

A component declares which of them it needs. Another registry, tag or digest comes when the package
is built: `ocr pipeline compile --images build/images.json`, or `--image data=…` for one of them.
"""

import json
import re
from pathlib import Path
from typing import Literal, get_args

from ocr_lib import __version__
from ocr_lib.errors import ConfigError
from ocr_lib.regular_file import read_bounded

# data: labels, LMDB, images, no paddle; train: paddle and ONNX, for training, evaluation and
# export; serve: ONNX Runtime and Triton's client.
Name = Literal["data", "train", "serve"]
NAMES: tuple[Name, ...] = get_args(Name)
# name[:tag][@sha256:digest], as registries take it
REFERENCE = re.compile(r"[a-z0-9][a-z0-9._/:-]*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?")


def image(name: Name) -> str:
    """Returns an image by the tag of this version, which names the code it was built from."""
    return f"ocr-pipelines/{name}:{__version__}"


def read_images(path: Path) -> dict[Name, str]:
    """Reads what `make images` wrote: the full reference of each image, by name.

    Raises:
        ConfigError: the file is missing, or lacks the image of a step.
    """
    step = "Write it with `make images REGISTRY=… PUSH=1`"
    try:
        references = json.loads(read_bounded(path))
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), str(error), step) from error
    if not isinstance(references, dict):
        raise ConfigError(str(path), "is not an object of names and references", step)
    for name in NAMES:
        reference = references.get(name)
        if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
            raise ConfigError(str(path), f"{name}: {reference!r} is not an image", step)
    return {name: references[name] for name in NAMES}
