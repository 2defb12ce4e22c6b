import numpy as np
import pytest

from ocr_lib.data.equal_images import shared_with
from ocr_lib.errors import DataError
from ocr_lib.evaluation.leaks import leaks, refuse_leaks
from tests.ocr_lib.memory_dataset import MemoryDataset, drawn


class Keyed(MemoryDataset):
    """A data set whose checksums collide, as checksums may."""

    @property
    def checksums(self) -> np.ndarray:
        return np.array([0 if image is None else 7 for image, _ in self.samples], np.uint64)


def test_equal_bytes_are_a_leak_equal_checksums_are_not() -> None:
    train, evaluation = Keyed(drawn(["a"]).samples), Keyed(drawn(["b", "a"]).samples)
    assert shared_with(train.checksums, evaluation.checksums) == [(0, 0), (1, 0)]
    assert leaks(train, evaluation) == [(1, 0)]


def test_unreadable_images_leak_nothing() -> None:
    missing = Keyed([(None, "a")])
    assert leaks(missing, missing) == []
    assert shared_with(np.zeros(0, np.uint64), missing.checksums) == []


def test_leaks_are_an_error_that_names_them() -> None:
    validation, test = Keyed(drawn(["c", "a"]).samples), Keyed(drawn(["b", "c"]).samples)
    refuse_leaks(("train", Keyed(drawn(["d"]).samples)), ("test", test))
    message = r"validation and test: 1 of 2 test images .* \(1.png of test is 0.png of validation\)"
    with pytest.raises(DataError, match=message):
        refuse_leaks(("validation", validation), ("test", test))
