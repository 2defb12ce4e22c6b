"""Values that travel between processes: plain ones and arrays do, objects do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.training import serialization

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@given(plain)
def test_plain_values_travel_as_they_are(value: object) -> None:
    assert serialization.loads(serialization.dumps(value)) == value


def test_arrays_travel_and_objects_do_not() -> None:
    for array in (np.arange(6, dtype=np.uint16).reshape(2, 3), np.float32(2)[None], np.zeros(0)):
        copy = serialization.loads(serialization.dumps({"a": [array]}))["a"][0]
        np.testing.assert_array_equal(copy, array)
        assert (copy.dtype, copy.shape) == (array.dtype, array.shape)
    with pytest.raises(TypeError):
        serialization.dumps(object())
    with pytest.raises(TypeError, match="keys are not all strings"):
        serialization.dumps({1: 2})
