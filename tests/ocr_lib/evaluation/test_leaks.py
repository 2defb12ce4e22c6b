import numpy as np
import pytest

from ocr_lib.errors import DataError
from ocr_lib.evaluation.leaks import candidates, leaks, refuse_leaks
from tests.ocr_lib.memory_dataset import MemoryDataset, drawn


class Keyed(MemoryDataset):
    """A data set whose checksums collide, as checksums may."""

    @property
    def keys(self) -> np.ndarray:
        return np.array([0 if image is None else 7 for image, _ in self.samples], np.uint64)


def test_equal_bytes_are_a_leak_equal_checksums_are_not() -> None:
    train, evaluation = Keyed(drawn(["a"]).samples), Keyed(drawn(["b", "a"]).samples)
    assert candidates(train.keys, evaluation.keys) == [(0, 0), (1, 0)]
    assert leaks(train, evaluation) == [(1, 0)]


def test_unreadable_images_leak_nothing() -> None:
    missing = Keyed([(None, "a")])
    assert leaks(missing, missing) == []
    assert candidates(np.zeros(0, np.uint64), missing.keys) == []


def test_leaks_are_an_error_that_names_them() -> None:
    train = drawn(["a", "b"])
    refuse_leaks(train, train, [])
    with pytest.raises(DataError, match=r"1 of 2 images .* \(0.png of the evaluation is 1.png"):
        refuse_leaks(train, train, [(0, 1)])
