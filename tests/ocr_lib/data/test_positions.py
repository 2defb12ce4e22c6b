"""Positions without those that are left out are those that a plain list would have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.positions import Positions


@given(st.lists(st.booleans(), max_size=60))
def test_positions_are_those_that_are_taken(taken: list[bool]) -> None:
    expected = [i for i, take in enumerate(taken) if take]
    positions = Positions.of_mask(np.array(taken, bool))
    assert [positions[k] for k in range(len(positions))] == expected
    assert positions.to_array().tolist() == expected
    values = np.arange(len(taken) * 2).reshape(-1, 2)
    assert positions.without_left_out(values).tolist() == values[expected].tolist()


@pytest.mark.parametrize("k", [-1, 2])
def test_there_are_no_others(k: int) -> None:
    with pytest.raises(IndexError, match=f"position {k} of 2"):
        Positions(3, np.array([1]))[k]
