import numpy as np

from ocr_lib.data.sampling import evenly_sampled


def test_chosen_images_span_all_widths() -> None:
    sizes = np.array([[w, 10] for w in (50, 10, 90, 30, 70)], np.int32)
    assert evenly_sampled(sizes, 3) == [1, 0, 2]
    assert sorted(evenly_sampled(sizes, 10)) == [0, 1, 2, 3, 4]
    assert evenly_sampled(np.zeros((2, 2), np.int32), 5) == [0, 1]
