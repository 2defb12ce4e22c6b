"""A label list beside its image files, read as PaddleOCR's `SimpleDataSet` reads them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.base import SAMPLE, Row, Sample, checksums_of, probe, sizes_of
from ocr_lib.data.label_list import read_label_list
from ocr_lib.data.labels.images import read_image
from ocr_lib.errors import DataError, ImageError
from ocr_lib.progress import Progress

READERS = 8  # threads: they overlap waiting for a slow disk
CHUNK = 256  # images a thread reads at a time


class ListDataset:
    """Samples of one label list, in its order.

    Args:
        label_list: `path<TAB>label` a line; a JSON list of paths offers several images.
        data_dir: the folder that paths are relative to; absolute ones are taken as they are.
        delimiter: between path and label.

    Raises:
        LabelError: the label list is missing or malformed.

    Source: PaddleOCR `SimpleDataSet`. Unlike it, a sample that cannot be read is an error of that
    sample and is never replaced by another one, and the first of several images is taken where
    no random generator is given, so that evaluation repeats.
    """

    def __init__(self, label_list: str | Path, data_dir: str | Path, delimiter: str = "\t") -> None:
        self.label_list = Path(label_list)
        self.data_dir = Path(data_dir)
        self.delimiter = delimiter
        lines = list(read_label_list(self.label_list, delimiter))
        self._paths = [line.paths for line in lines]
        self._labels = [line.label for line in lines]
        self._lines = [line.number for line in lines]
        self._version = self.label_list.stat().st_mtime_ns

    def __len__(self) -> int:
        return len(self._labels)

    @cached_property
    def table(self) -> NDArray[Any]:
        """A row a sample, read once; of several images the first counts."""
        with (
            Progress(len(self), "reading image sizes", "images") as progress,
            ThreadPoolExecutor(READERS, thread_name_prefix="sizes") as pool,
        ):
            rows: list[Row] = []
            for chunk in pool.map(self._probe_chunk, range(0, len(self), CHUNK)):
                rows += chunk
                progress.add(len(chunk))
        return np.array(rows, SAMPLE)

    @cached_property
    def sizes(self) -> NDArray[np.int32]:
        """Width and height in px of every image, int32 [len, 2]; 0, 0 where it is unreadable."""
        return sizes_of(self.table)

    @cached_property
    def checksums(self) -> NDArray[np.uint64]:
        """A number of every image's content, uint64 [len]; 0 where it is unreadable."""
        return checksums_of(self.table)

    def labels(self) -> Iterator[str]:
        """Yields the label of every sample."""
        yield from self._labels

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        """Returns sample `i`; `rng` picks among several images, None takes the first.

        Raises:
            ImageError: the file cannot be read.
        """
        paths = self._paths[i]
        path = paths[0 if rng is None or len(paths) == 1 else int(rng.integers(len(paths)))]
        file_path = path if path.startswith("/") else f"{self.data_dir}/{path}"
        try:
            image = read_image(file_path)
        except (OSError, ValueError) as error:
            cause = error.strerror if isinstance(error, OSError) else error
            raise ImageError(
                f"{self.label_list}:{self._lines[i]}",
                f"{file_path} cannot be read ({cause})",
                "Check data_dir and the path, or remove the line",
            ) from None
        return Sample(image, self._labels[i], path)

    def resample(self, epoch: int) -> bool:  # noqa: ARG002
        """Changes nothing: all samples are in every epoch."""
        return False

    def _probe_chunk(self, start: int) -> list[Row]:
        return [self._probe(i) for i in range(start, min(start + CHUNK, len(self)))]

    def _probe(self, i: int) -> Row:
        try:
            return probe(self.sample(i).image, self._lines[i])
        except ImageError:
            return 0, 0, 0, 0, self._lines[i]

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.label_list, self.data_dir, self.delimiter, self._version)


@cache
def _reopen(label_list: Path, data_dir: Path, delimiter: str, version: int) -> ListDataset:
    """Reads the label list that another process sent, once; sending it costs two paths."""
    dataset = ListDataset(label_list, data_dir, delimiter)
    if dataset.__reduce__()[1][-1] != version:
        raise DataError(str(label_list), "changed while it was in use", "Start again")
    return dataset
