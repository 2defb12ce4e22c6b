"""The machine that follows a pickle's opcodes: data come out, programs do not run."""

import io
import pickle
import pickletools

import pytest

from ocr_lib.training import pickle_reader
from ocr_lib.training.pickle_reader import BoundedFile, read_pickle


def read(content: bytes) -> object:
    return read_pickle(BoundedFile(io.BytesIO(content), len(content)))


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("value", [{"a": [1, (2.5, None)]}, [True, "x", b"y"], {1, 2}, ()])
def test_plain_values_come_out(value: object, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", [0, 1, 5])
def test_other_protocols_are_refused(protocol: int) -> None:
    with pytest.raises(ValueError, match="not a pickle of protocol 2, 3, 4"):
        read(pickle.dumps([1], protocol))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.", "it asks for os.system"),
        (b"\x80\x02]K\x01\x85R.", "it calls a value"),
        (b"\x80\x02P1\n.", "opcode PERSID"),
        (b"\x80\x02(K\x01o.", "opcode OBJ"),
        (b"\x80\x02K\x01K\x02.", "values are left over"),
        (b"\x80\x02.", "a value is missing"),
        (b"\x80\x02K\x01t.", "a mark is missing"),
        (b"\x80\x02h\x05.", "value 5 is used before it is there"),
        (b"\x80\x02}K\x01a.", "a dict is to be filled"),
        (b"\x80\x02}(K\x01u.", "a key is without a value"),
    ],
)
def test_programs_are_refused(program: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(program)


def test_a_long_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_reader, "MAX_OPCODES", 10)
    content = pickle.dumps(list(range(20)), 2)
    assert sum(1 for _ in pickletools.genops(content)) > 10
    with pytest.raises(ValueError, match="more than 10 opcodes"):
        read(content)


def test_a_long_number_is_refused() -> None:
    with pytest.raises(ValueError, match="a number has 2,001 bits"):
        read(pickle.dumps(2**2000, 2))


def test_no_more_is_asked_of_a_file_than_it_holds() -> None:
    file = BoundedFile(io.BytesIO(b"abcdef"), 6)
    assert file.read(2) == b"ab"
    with pytest.raises(ValueError, match="it names 1,000,000 bytes where 4 are left"):
        file.read(1_000_000)
    assert file.readline() == b"cdef"
    assert file.read(1) == b""


def test_a_claimed_length_takes_no_memory() -> None:
    with pytest.raises(ValueError, match="bytes where"):
        read(b"\x80\x04\x8d" + (1 << 60).to_bytes(8, "little"))
