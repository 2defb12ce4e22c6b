"""What the names in a checkpoint's pickle stand for: each takes what data need and no more."""

import numpy as np
import pytest

from ocr_lib.training import pickle_names
from ocr_lib.training.pickle_names import DTYPE_STATE, DType, EmptyArray, Global

FLOAT32 = DType("f4")


@pytest.mark.parametrize("kind", sorted(pickle_names.KINDS))
def test_dtypes_of_numbers(kind: str) -> None:
    assert pickle_names.dtype((kind, False, True)).numpy == np.dtype(kind)


@pytest.mark.parametrize(
    "arguments", [(), ("O8",), ("V4",), ("f4,O8",), (b"f4",), ("f4", "x"), ("f4", False, True, 1)]
)
def test_other_dtypes_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="dtype"):
        pickle_names.dtype(arguments)


def test_a_dtype_takes_its_byte_order() -> None:
    kind = DType("i4")
    kind.build((3, ">", *DTYPE_STATE))
    assert kind.numpy == np.dtype(">i4")


@pytest.mark.parametrize(
    "state", [(), (3,), (3, "<"), (4, "<", *DTYPE_STATE), (3, "?", *DTYPE_STATE), (3, "<", [], 1)]
)
def test_other_states_of_a_dtype_are_refused(state: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="dtype"):
        DType("i4").build(state)


@pytest.mark.parametrize("by_columns", [False, True])
def test_an_array_of_its_content(by_columns: bool) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3, order="F" if by_columns else "C")
    array = pickle_names.array((1, (2, 3), FLOAT32, by_columns, values.tobytes("A")))
    np.testing.assert_array_equal(array, values)
    assert not array.flags.writeable


@pytest.mark.parametrize(
    ("shape", "content", "message"),
    [
        ((2,), b"\0" * 4, "are not an array"),
        ((1 << 40,), b"", "too large"),
        ((1,) * 33, b"", "too large"),
        ((-1,), b"", "too large"),
        ((1.5,), b"", "whole numbers"),
        ((1,), [1], "not of bytes"),
    ],
)
def test_what_does_not_fit_a_shape_is_refused(
    shape: tuple[object, ...], content: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        pickle_names.array((1, shape, FLOAT32, False, content))


def test_scalars_and_arrays_begin_as_numpys() -> None:
    assert pickle_names.scalar((FLOAT32, np.float32(2.5).tobytes())) == 2.5
    begun = pickle_names.empty_array((Global("numpy.ndarray"), (0,), b"b"))
    assert isinstance(begun, EmptyArray)
    with pytest.raises(ValueError, match="not numpy's"):
        pickle_names.empty_array((Global("mine.ndarray"), (0,), b"b"))


@pytest.mark.parametrize("value", [1.5, "a", b"a", None, True, 2**63])
def test_keys_are_scalars(value: object) -> None:
    assert pickle_names.key(value) is value


@pytest.mark.parametrize("value", [2**65, (1,), [1], np.float32(1)])
def test_other_keys_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is a key"):
        pickle_names.key(value)


def test_small_calls_of_protocol_2() -> None:
    assert pickle_names.encoded(("é", "latin1")) == b"\xe9"
    assert pickle_names.no_bytes(()) == b""
    assert pickle_names.tuple_of(((1, 2),)) == (1, 2)
    assert pickle_names.set_of(([1, 2],)) == {1, 2}
    assert list(pickle_names.ordered(([["a", 1], ("b", 2)],)).items()) == [("a", 1), ("b", 2)]
    for function in (pickle_names.encoded, pickle_names.no_bytes, pickle_names.set_of):
        with pytest.raises(ValueError, match="not written as pickle does"):
            function((1,))
