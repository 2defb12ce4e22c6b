"""The container image of each step: one image a dependency set.

A component's image is fixed when its module is imported, so another registry, tag or digest comes
by environment before that: `OCR_IMAGE_DATA=registry/ocr-data@sha256:… ocr compile`, which
`ocr compile --image data=…` does.
"""

import os
from typing import Literal, get_args

from ocr_lib import __version__

# data: labels, LMDB, images, no paddle; train: paddle and ONNX, for training, evaluation and
# export; serve: ONNX Runtime and Triton's client.
Name = Literal["data", "train", "serve"]
NAMES: tuple[Name, ...] = get_args(Name)


def variable(name: str) -> str:
    """Returns the environment variable that overrides the image `name`."""
    return f"OCR_IMAGE_{name.upper()}"


def image(name: Name) -> str:
    """Returns the full reference of an image: the override, or the tag of this version."""
    return os.environ.get(variable(name)) or f"ocr-pipelines/{name}:{__version__}"
