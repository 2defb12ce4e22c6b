"""Paper-like backgrounds."""

import numpy as np
import pytest

from ocr_lib.data.synthetic.paper import SHEET_HEIGHT, SHEET_WIDTH, paper


@pytest.mark.parametrize("size", [(1, 1), (32, 300), (SHEET_HEIGHT, SHEET_WIDTH)])
def test_a_background_has_the_size_asked_for(size: tuple[int, int]) -> None:
    page = paper(np.random.default_rng(0), *size, 200.0)
    assert page.shape == size
    assert page.dtype == np.float32
    assert np.isfinite(page).all()


def test_shades_are_kept_on_average_and_pages_are_not_flat() -> None:
    pages = [paper(np.random.default_rng(seed), 40, 300, 200.0) for seed in range(200)]
    assert np.mean([page.mean() for page in pages]) == pytest.approx(200, abs=3)
    assert min(page.std() for page in pages) > 0.3


def test_equal_generators_draw_equal_pages() -> None:
    pages = [paper(np.random.default_rng(seed), 40, 300, 200.0) for seed in (1, 1, 2)]
    assert np.array_equal(pages[0], pages[1])
    assert not np.array_equal(pages[0], pages[2])


def test_a_few_pages_have_a_printed_line_near_the_lower_edge() -> None:
    pages = [paper(np.random.default_rng(seed), 40, 300, 200.0) for seed in range(300)]
    drops = [(page[:-4].mean() - page[-3:].mean(axis=1)).max() > 25 for page in pages]
    assert 0.03 < np.mean(drops) < 0.16  # some stains and slopes count as well
