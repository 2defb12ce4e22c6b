"""The container image of each step: one image a dependency set.

A component's image is fixed when its module is imported, so another registry, tag or digest comes
by environment before that: `OCR_IMAGE_DATA=registry/ocr-data@sha256:… ocr compile`, which
`ocr compile --image data=…` does.
"""

import os

from ocr_lib import __version__

NAMES = ("data", "train", "serve")


def variable(name: str) -> str:
    """Returns the environment variable that overrides the image `name`."""
    return f"OCR_IMAGE_{name.upper()}"


def reference(name: str) -> str:
    """Returns the full reference of the image `name`: the override, or this version's tag."""
    return os.environ.get(variable(name)) or f"ocr-pipelines/{name}:{__version__}"


DATA = reference("data")  # labels, LMDB, images: no paddle
TRAIN = reference("train")  # paddle and ONNX: training, evaluation, export
SERVE = reference("serve")  # ONNX Runtime and Triton's client
