"""Programs with operators that do more than compute are refused before Paddle gets them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.base.proto.framework_pb2 import ProgramDesc

from ocr_lib.converters import import_model
from ocr_lib.errors import ImportModelError
from ocr_lib.export.paddle_format import save_paddle, save_paddle2
from ocr_lib.export.paddle_program import MAX_BYTES, unknown_operators
from ocr_lib.export.paddle_runtime import paddle_forward
from ocr_lib.inference.bundle import PADDLE_PROGRAM, BundleError

OLD_PROGRAM = "inference.pdmodel"


class Small(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2D(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2D(4)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = nn.functional.relu(self.norm(self.conv(x))).flatten(2).transpose([0, 2, 1])
        return nn.functional.softmax(x, axis=-1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = Small()
    model.eval()
    save_paddle(model, [None, 1, 8, None], tmp_path)
    save_paddle2(model, [None, 1, 8, None], tmp_path)
    return tmp_path


def add(folder: Path, operator: dict[str, Any], inside: bool = False) -> None:
    """Puts an operator before the last one of the program, or into a region of it."""
    path = folder / PADDLE_PROGRAM
    program = json.loads(path.read_text("utf-8"))
    operators = program["program"]["regions"][0]["blocks"][0]["ops"]
    if inside:
        operators[-1]["regions"] = [{"#": "r", "blocks": [{"#": "b", "ops": [operator]}]}]
    else:
        operators.insert(-1, operator)
    path.write_text(json.dumps(program), "utf-8")


def add_old(folder: Path, kind: str) -> None:
    path = folder / OLD_PROGRAM
    program = ProgramDesc()
    program.ParseFromString(path.read_bytes())
    program.blocks[0].ops.add(type=kind)
    path.write_bytes(program.SerializeToString())


@pytest.mark.parametrize("program", [PADDLE_PROGRAM, OLD_PROGRAM])
def test_a_program_that_computes_is_run(folder: Path, program: str) -> None:
    assert unknown_operators(folder / program) == []
    images = np.zeros((1, 1, 8, 16), np.float32)
    assert paddle_forward(folder, program=program)(images).shape == (1, 128, 4)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    "name",
    ["1.save_combine", "1.load_combine", "1.print", "1.py_func", "1.while", "2.yield", "9.relu"],
)
def test_an_operator_that_does_more_is_found(folder: Path, name: str, inside: bool) -> None:
    add(folder, {"#": name, "A": [], "I": [], "O": []}, inside)
    assert unknown_operators(folder / PADDLE_PROGRAM) == [name]
    with pytest.raises(BundleError, match=rf"inference\.json: has operators .*{name}.*--backend"):
        paddle_forward(folder)


@pytest.mark.parametrize("kind", ["save", "save_combine", "load", "py_func", "while", "1.relu"])
def test_one_of_paddle_2_is_found_too(folder: Path, kind: str) -> None:
    add_old(folder, kind)
    assert unknown_operators(folder / OLD_PROGRAM) == [kind]
    with pytest.raises(BundleError, match=rf"inference\.pdmodel: has operators .*{kind}"):
        paddle_forward(folder, program=OLD_PROGRAM)


@pytest.mark.parametrize("old", [False, True])
def test_the_converter_does_not_get_it_either(folder: Path, tmp_path: Path, old: bool) -> None:
    """It aborts the process at operators that it does not know."""
    if old:
        (folder / PADDLE_PROGRAM).unlink()
        add_old(folder, "save_combine")
    else:
        (folder / OLD_PROGRAM).unlink()
        add(folder, {"#": "1.save_combine"})
    with pytest.raises(ImportModelError, match=r"operators that no .* has: (1\.)?save_combine"):
        import_model(folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value"),
        (b"\xff", "can't decode"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'{"program": 1, "program": 2}', "a key stands twice"),
        (b'{"ops": [1]}', "an operator has no name"),
        (b'{"ops": [{"#": 1}]}', "an operator has no name"),
        (b'{"ops": {"#": "1.relu"}}', "ops is not a list"),
        (b'{"ops": 5}', "ops is not a list"),
        (b"[" * 100_000, "nests too deep"),
        (b" " * (MAX_BYTES + 1), "larger than 64 MiB"),
    ],
)
def test_a_file_that_is_no_program_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / PADDLE_PROGRAM).write_bytes(content)
    with pytest.raises(BundleError, match=rf"no program of Paddle \(.*{message}"):
        paddle_forward(tmp_path)


def test_a_damaged_file_of_paddle_2_is_refused(folder: Path) -> None:
    content = (folder / OLD_PROGRAM).read_bytes()
    (folder / OLD_PROGRAM).write_bytes(content[: len(content) // 2])
    with pytest.raises(BundleError, match="no program of Paddle"):
        paddle_forward(folder, program=OLD_PROGRAM)


def test_names_are_shown_as_text(folder: Path) -> None:
    add(folder, {"#": "1.\x1b[2J" + 500 * "x"})
    with pytest.raises(BundleError) as caught:
        paddle_forward(folder)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300 + len(str(folder))
