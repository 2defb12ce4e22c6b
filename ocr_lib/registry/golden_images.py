"""Golden images: what a version must answer, as the exported model answers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ocr_lib.errors import ImageError
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.text.recognition import Recognition


@dataclass(frozen=True)
class GoldenImage:
    """An image and what the exported model reads on it.

    Attributes:
        name: what errors and reports call it.
        image: the encoded file.
        recognition: of the exported model, which every server must repeat.
        scored: whether the score is known; early versions recorded the text alone.
    """

    name: str
    image: bytes
    recognition: Recognition
    scored: bool = True


def golden_images(bundle: Path, images: Mapping[str, bytes]) -> list[GoldenImage]:
    """Reads images with the exported model; what it says is what a server must say.

    Args:
        bundle: the bundle's folder.
        images: name → encoded file.

    Raises:
        ImageError: the model cannot read one of them.
    """
    results = open_bundle(bundle).read(list(images.values()))
    for name, result in zip(images, results, strict=True):
        if result.error:
            raise ImageError(name, result.error, "Choose another golden image")
    return [
        GoldenImage(name, image, result)
        for (name, image), result in zip(images.items(), results, strict=True)
    ]


def golden_prefix(model: str, version: int) -> str:
    """Returns where a version's golden images are."""
    return f"registry/{model}/golden/{version}"
