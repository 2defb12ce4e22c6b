"""A data set held in memory, as evaluation reads it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.image_header import image_size
from ocr_lib.errors import ImageError
from tests.ocr_lib.barcode import png


@dataclass
class Sample:
    image: bytes
    label: str
    name: str


class MemoryDataset:
    """Labelled images; an image of None is a file that is not there."""

    def __init__(self, samples: list[tuple[bytes | None, str]]) -> None:
        self.samples = samples
        sizes = [image_size(image) if image else None for image, _ in samples]
        self.sizes: NDArray[np.int32] = np.array([size or (0, 0) for size in sizes], np.int32)

    def __len__(self) -> int:
        return len(self.samples)

    def sample(self, index: int) -> Sample:
        image, label = self.samples[index]
        if image is None:
            raise ImageError(f"labels.txt:{index + 1}", "the file is missing", "Restore it")
        return Sample(image, label, f"{index}.png")


def drawn(texts: list[str], labels: list[str] | None = None) -> MemoryDataset:
    """Returns images that say `texts`, labelled with `labels` (the same where not given)."""
    images: list[bytes | None] = [png(text) for text in texts]
    return MemoryDataset(list(zip(images, labels or texts, strict=True)))
