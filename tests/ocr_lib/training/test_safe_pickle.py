"""Files of paddle.save are read as data; no file executes, crashes, or takes memory it is not."""

import json
import os
import pickle
import struct
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ocr_lib.errors import CheckpointError
from ocr_lib.training import safe_pickle

PROTOCOLS = (2, 3, 4)
NUMBERS = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split()  # noqa: SIM905

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**200), 2**200),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
)
keys = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text())
dtypes = st.builds(
    lambda order, kind: np.dtype(order + kind), st.sampled_from("<>"), st.sampled_from(NUMBERS)
)
ndarrays = arrays.arrays(dtypes, arrays.array_shapes(min_dims=0, min_side=0, max_side=4))
numpy_scalars = dtypes.flatmap(arrays.from_dtype)
leaves = st.one_of(scalars, ndarrays, ndarrays.map(np.asfortranarray), numpy_scalars)
values = st.recursive(
    leaves,
    lambda inside: st.one_of(
        st.lists(inside, max_size=4),
        st.lists(inside, max_size=4).map(tuple),
        st.dictionaries(keys, inside, max_size=4),
        st.dictionaries(keys, inside, max_size=4).map(OrderedDict),
        st.sets(keys, max_size=4),
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pickle") / "some.pdparams"


def load(file: Path, content: bytes) -> Any:
    file.write_bytes(content)
    return safe_pickle.load(file)


def assert_same(ours: Any, theirs: Any) -> None:
    """Equal in type and value, arrays in dtype and shape too; NaN equals itself."""
    if isinstance(theirs, np.ndarray | np.generic):
        assert type(ours) is type(theirs)
        assert ours.dtype == theirs.dtype.newbyteorder("=")
        assert ours.shape == theirs.shape
        assert ours.tobytes() == theirs.astype(ours.dtype).tobytes()
        return
    assert type(ours) is type(theirs)
    if isinstance(theirs, dict):
        assert_same(list(ours), list(theirs))
        assert_same(list(ours.values()), list(theirs.values()))
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    elif isinstance(theirs, float):
        assert struct.pack("d", ours) == struct.pack("d", theirs)
    elif isinstance(theirs, set):
        assert sorted(map(repr, ours)) == sorted(map(repr, theirs))  # NaN equals no other
    else:
        assert ours == theirs


@given(value=values, protocol=st.sampled_from(PROTOCOLS))
def test_what_a_checkpoint_may_hold_comes_back(file: Path, value: Any, protocol: int) -> None:
    assert_same(load(file, pickle.dumps(value, protocol)), value)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(file: Path, content: bytes) -> None:
    for start in (b"", b"\x80\x02", b"\x80\x04"):
        try:
            load(file, start + content + b".")
        except CheckpointError as error:
            assert str(file) in str(error)  # noqa: PT017


def test_shared_values_stay_shared(file: Path) -> None:
    array, names = np.arange(6.0).reshape(2, 3), ["a"]
    found = load(file, pickle.dumps({"a": array, "b": array, "c": names, "d": [names, names]}, 4))
    assert found["a"] is found["b"]
    assert found["c"] is found["d"][0] is found["d"][1]
    assert not found["a"].flags.writeable


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_weights_that_paddle_saved_are_read(tmp_path: Path, protocol: int, dtype: str) -> None:
    layer = paddle.nn.Sequential(paddle.nn.Linear(3, 4), paddle.nn.BatchNorm1D(4))
    layer.to(dtype=dtype)
    path = str(tmp_path / "x.pdparams")
    paddle.save(layer.state_dict(), path, protocol=protocol)
    assert_same(safe_pickle.load(path), paddle.load(path, return_numpy=True, keep_name_table=True))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_optimisers_that_paddle_saved_are_read(tmp_path: Path, protocol: int) -> None:
    layer = paddle.nn.Linear(3, 4)
    schedule = paddle.optimizer.lr.CosineAnnealingDecay(0.1, 10)
    schedule = paddle.optimizer.lr.LinearWarmup(schedule, 3, 0.0, 0.1)
    optimizer = paddle.optimizer.AdamW(schedule, parameters=layer.parameters())
    layer(paddle.ones([2, 3])).sum().backward()
    optimizer.step()
    schedule.step()
    path = str(tmp_path / "x.pdopt")
    state = optimizer.state_dict()
    state["master_weights"] = {"linear.w_0": layer.weight.numpy()}
    paddle.save(state, path, protocol=protocol)
    found = safe_pickle.load(path)
    assert_same(found, paddle.load(path, return_numpy=True, keep_name_table=True))
    assert found["LR_Scheduler"]["last_epoch"] == 1


def test_states_that_paddleocr_saved_are_read(file: Path) -> None:
    """As ppocr/utils/save_load.py writes them: whatever the trainer passes, with protocol 2."""
    best = {"acc": np.float64(0.5), "norm_edit_dis": 0.75, "fps": np.float32(9), "best_epoch": 3}
    states = {"best_model_dict": best, "epoch": 7, "global_step": np.int64(90), "start": None}
    assert_same(load(file, pickle.dumps(states, protocol=2)), states)


def test_tensors_in_other_values_come_with_their_name(tmp_path: Path) -> None:
    weight = paddle.nn.Linear(2, 2).weight
    paddle.save({"a": [weight]}, str(tmp_path / "x.pdparams"))
    [(name, array)] = safe_pickle.load(tmp_path / "x.pdparams")["a"]
    assert name == weight.name
    np.testing.assert_array_equal(array, weight.numpy())


def test_python_2_wrote_bytes_as_texts(file: Path) -> None:
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R"
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x08" + struct.pack("<2f", 1.5, -2) + b"tb"
    )
    found = load(file, b"\x80\x02ccollections\nOrderedDict\n](](U\x01a" + array + b"ee\x85R.")
    assert_same(found, OrderedDict(a=np.array([1.5, -2], np.float32)))


def sliced(**changes: Any) -> dict[str, Any]:
    """What paddle.save makes of an array beyond 1 GiB, here of a small one."""
    facts = {"OriginShape": (2, 3), "slices": ["big@@.0", "big@@.1"], **changes}
    parts = {"big@@.0": np.arange(4.0), "big@@.1": np.arange(4.0, 6.0)}
    return {"small": np.ones(2), **parts, safe_pickle.SLICED: {"big": facts}}


def test_arrays_that_paddle_cut_are_whole_again(tmp_path: Path) -> None:
    path = tmp_path / "x.pdparams"
    path.write_bytes(pickle.dumps(sliced(), 2))
    found = safe_pickle.load(path)
    assert_same(found, paddle.load(str(path), return_numpy=True))
    np.testing.assert_array_equal(found["big"], np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slices": ["big@@.0", "big@@.0"]}, "a slice of big is missing"),
        ({"slices": ["big@@.0", "gone"]}, "a slice of big is missing"),
        ({"slices": []}, "does not say how big was cut"),
        ({"slices": None}, "does not say how big was cut"),
        ({"OriginShape": (7,)}, "reshape"),
        ({"OriginShape": (2**70,)}, "too large"),
        ({"OriginShape": None}, "a shape is not of whole numbers"),
    ],
)
def test_slices_that_do_not_fit_are_refused(
    file: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        load(file, pickle.dumps(sliced(**changes), 2))


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
NATIVE = b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
EIGHT = b"\x89C\x08AAAAAAAA"


def dtype(kind: bytes, state: bytes = NATIVE) -> bytes:
    return b"cnumpy\ndtype\nX" + struct.pack("<I", len(kind)) + kind + b"\x89\x88\x87R" + state


def array(kind: bytes, state: bytes = NATIVE, shape: bytes = b"K\x01\x85") -> bytes:
    return RECONSTRUCT + b"(K\x01" + shape + dtype(kind, state) + EIGHT + b"tb"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        # an array of objects whose flags are cleared: numpy took its content for pointers
        (array(b"O8", NATIVE.replace(b"X\x01\x00\x00\x00<", b"X\x01\x00\x00\x00|")), "dtype O8"),
        *((array(kind), "which is none of numbers") for kind in (b"O", b"S8", b"U2", b"V8", b"c8")),
        *((array(kind), "which is none of numbers") for kind in (b"M8", b"m8", b"f8,f8", b"f16")),
        (array(b"f8", NATIVE.replace(b"NNN", b"NN(t")), "state of a dtype"),
        (array(b"f8", NATIVE.replace(b"K\x00t", b"K\x3ft")), "state of a dtype"),
        (array(b"f8", NATIVE.replace(b"J\xff\xff\xff\xff", b"J\xff\x00\x00\x00")), "of a dtype"),
        (array(b"f8", NATIVE.replace(b"K\x03", b"K\x04")), "state of a dtype"),
        (array(b"f8", NATIVE.replace(b"<", b"!")), "no known byte order"),
        (array(b"f8", b"(tb"), "state of a dtype"),
        (array(b"f8", shape=b"K\x02\x85"), r"8 bytes are not an array \(2,\) of float64"),
        (array(b"f8", shape=b"J\xff\xff\xff\xff\x85"), "too large"),
        (array(b"f8", shape=b"(" + 40 * b"K\x01" + b"t"), "too large"),
        (array(b"f8", shape=b"N"), "state of an array"),
        (RECONSTRUCT, "EmptyArray, which is no data"),
        (b"cnumpy\nndarray\n", "Global, which is no data"),
        (dtype(b"f8"), "DType, which is no data"),
        (b"cnumpy.core.multiarray\nscalar\n" + dtype(b"f8") + b"C\x01A\x86R", "1 bytes are not"),
        (b"cos\nsystem\nX\x04\x00\x00\x00true\x85R", r"it asks for os\.system"),
        (b"cbuiltins\neval\nX\x04\x00\x00\x00data\x85R", r"it asks for builtins\.eval"),
        (b"cpaddle\nload\n)R", r"it asks for paddle\.load"),
        (b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00zip\x86R", "not written as pickle"),
        (b"ccollections\nOrderedDict\nK\x05\x85R", "OrderedDict is not written"),
        (b"ccollections\nOrderedDict\n](K\x01e\x85R", "not made of pairs"),
        (b"cbuiltins\nset\nK\x05\x85R", "a set is not written"),
        (b"K\x01)R", "it calls a value"),
        (b"cnumpy\ndtype\n)\x81", "opcode NEWOBJ"),
        (b"(cos\nsystem\no", "opcode OBJ"),
        (b"(ios\nsystem\n", "opcode INST"),
        (b"Pid\n", "opcode PERSID"),
        (b"\x82\x01", "opcode EXT1"),
        (b"]0", "opcode POP"),
        (b"\x8f", None),  # an empty set
        (b"", "a value is missing"),
        (b"t", "a mark is missing"),
        (b"h\x00", "value 0 is used before it is there"),
        (b"q\x00", "a value is missing"),
        (b"NN", "values are left over"),
        (b"(N", "values are left over"),
        (b"NNa", "is to be filled"),
        (b"}(NNNu", "a key is without a value"),
        (b"}]Ns", "a list is a key"),
        (b"})Ns", "a tuple is a key"),
        (b"}\x8a\x09" + 8 * b"\x00" + b"\x01Ns", "a number of 65 bits is a key"),
        (b"\x8a\xff" + 255 * b"\x01", "a number has"),
        (b"X\x03\x00\x00\x00\xed\xa0\x80", "surrogates not allowed"),
        (b"]q\x00h\x00a", "a value is inside itself"),
        (b"}q\x00K\x01h\x00s", "a value is inside itself"),
        (b"]q\x00(h\x00K\x01ta", "a value is inside itself"),
        (32 * b"]" + 31 * b"a", None),
        (33 * b"]" + 32 * b"a", "it nests more than 32 deep"),
    ],
)
def test_a_program_for_more_than_data_is_refused(
    file: Path, program: bytes, message: str | None
) -> None:
    if message is None:
        load(file, b"\x80\x04" + program + b".")
        return
    with pytest.raises(CheckpointError, match=message) as caught:
        load(file, b"\x80\x04" + program + b".")
    assert str(caught.value).startswith(f"{file}: not a plain data file (")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", [b"", b".", b"N.", b"\x80\x05N.", b"\x80\x00N.", b"\x80\x04N"])
def test_other_files_are_refused(file: Path, content: bytes) -> None:
    with pytest.raises(CheckpointError, match="not a plain data file"):
        load(file, content)


def test_what_a_name_holds_is_not_sent_to_the_terminal(file: Path) -> None:
    evil = "os\x1b[2J\n\u202esystem" + 5000 * "x"
    program = pickle.dumps([evil], 4)[:-3] + b"\x8c\x01x\x93)R."
    with pytest.raises(CheckpointError) as caught:
        load(file, program)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500 + len(str(file))


def test_only_files_of_a_likely_size_are_opened(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a file"):
        safe_pickle.load(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(CheckpointError, match="not a file"):
        safe_pickle.load(tmp_path / "fifo")
    with pytest.raises(CheckpointError, match="not a file"):
        safe_pickle.load("/dev/zero")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(safe_pickle.MAX_BYTES + 1)
    with pytest.raises(CheckpointError, match="at most 4,294,967,296 are read"):
        safe_pickle.load(tmp_path / "large")
    with pytest.raises(CheckpointError, match="cannot be read: Not a directory"):
        safe_pickle.load(tmp_path / "large" / "x")


def in_little_memory(*arguments: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.ocr_lib.training.damaged_files"]
        + [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def bombs() -> dict[str, bytes]:
    """Small files that ask for much: memory, depth, time."""
    laughs = b"]q\x00K\x01a"
    for level in range(1, 40):
        laughs += b"](" + 10 * (b"h" + bytes([level - 1])) + b"eq" + bytes([level])
    many = b"](" + 1_100_000 * b"N" + b"e"
    return {
        "memo": b"Nr\xff\xff\xff\x7f",
        "memo4": b"N" + b"r\xff\xff\xff\xff",
        "bytes": b"\x8e" + struct.pack("<Q", 1 << 50),
        "bytes63": b"\x8e" + struct.pack("<Q", (1 << 63) - 1),
        "bytes4": b"B\xff\xff\xff\xff",
        "text": b"\x8d" + struct.pack("<Q", 1 << 40),
        "number": b"\x8b\xff\xff\xff\x7f",
        "frame": b"\x95" + struct.pack("<Q", 1 << 60) + b"N",
        "shape": array(b"f8", shape=b"K\x00" + 3 * b"J\xff\xff\xff\x7f" + b"\x87\x86"),
        "empty": RECONSTRUCT
        + b"(K\x01(K\x00"
        + 5 * b"J\xff\xff\xff\x7f"
        + b"t"
        + dtype(b"f8")
        + b"\x89C\x00tb",
        "laughs": b"(" + laughs + b"t",
        "many": many,
        "deep tuple": b")" + 300_000 * b"\x85",
        "deep key": b"})" + 300_000 * b"\x85" + b"Ns",
        "deep list": 300_000 * b"]" + 299_999 * b"a",
        "line": b"c" + 5_000_000 * b"a",
    }


def test_a_small_file_takes_little_memory(tmp_path: Path) -> None:
    for name, program in bombs().items():
        (tmp_path / name).write_bytes(b"\x80\x04" + program + b".")
    found = in_little_memory(tmp_path)
    expected = {f"{name} refused": 1 for name in bombs()}
    for name in ("memo", "memo4", "frame"):  # the value itself is a plain None
        expected[f"{name} loaded"] = expected.pop(f"{name} refused")
    assert found["outcomes"] == expected
    assert found["grown_mib"] < 200


def test_damaged_files_are_refused_or_read_and_never_crash(tmp_path: Path) -> None:
    """6,000 variants, with a seed: bit flips, other bytes, swapped bytes, cuts."""
    layer = paddle.nn.Linear(3, 4)
    optimizer = paddle.optimizer.AdamW(0.1, parameters=layer.parameters())
    layer(paddle.ones([2, 3])).sum().backward()
    optimizer.step()
    states = {"epoch": 3, "global_step": np.int64(9), "best_model_dict": {"acc": np.float64(1)}}
    paddle.save(layer.state_dict(), str(tmp_path / "x.pdparams"), protocol=2)
    paddle.save(optimizer.state_dict(), str(tmp_path / "x.pdopt"), protocol=4)
    (tmp_path / "x.states").write_bytes(pickle.dumps(states, 2))
    outcomes = in_little_memory(tmp_path, 20, 2000)["outcomes"]
    assert sum(outcomes.values()) == 6000
    for name in ("x.pdparams", "x.pdopt", "x.states"):
        assert f"{name} cut loaded" not in outcomes
        for kind in ("flip", "byte", "swap"):
            assert outcomes[f"{name} {kind} refused"] > 50
            assert outcomes[f"{name} {kind} loaded"] > 5  # in the content of an array, or a name
