"""A data set held in memory, as evaluation reads it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.base import Sample
from ocr_lib.data.image_header import image_size
from ocr_lib.errors import ImageError
from tests.ocr_lib.barcode import png


class MemoryDataset:
    """Labelled images; an image of None is a file that is not there."""

    def __init__(self, samples: list[tuple[bytes | None, str]]) -> None:
        self.samples = samples
        sizes = [image_size(image) if image else None for image, _ in samples]
        self.sizes: NDArray[np.int32] = np.array([size or (0, 0) for size in sizes], np.int32)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def checksums(self) -> NDArray[np.uint64]:
        return np.arange(len(self), dtype=np.uint64)

    def labels(self) -> Iterator[str]:
        return (label for _, label in self.samples)

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        image, label = self.samples[i]
        if image is None:
            raise ImageError(f"labels.txt:{i + 1}", "the file is missing", "Restore it")
        return Sample(image, label, f"{i}.png")

    def resample(self, epoch: int) -> bool:
        return False


def drawn(texts: list[str], labels: list[str] | None = None) -> MemoryDataset:
    """Returns images that say `texts`, labelled with `labels` (the same where not given)."""
    images: list[bytes | None] = [png(text) for text in texts]
    return MemoryDataset(list(zip(images, labels or texts, strict=True)))
