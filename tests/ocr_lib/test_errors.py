"""Errors say where, why and what next, also when they come from another process."""

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocr_lib import errors
from ocr_lib.errors import LabelError, OcrError, UserError

ROOT = Path(__file__).parents[2]
USER_ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and UserError in kind.mro()
}


def test_the_message_names_place_cause_and_next_step():
    error = LabelError("gt.txt:3", "no separator", "Put a tab between path and text")
    assert str(error) == "gt.txt:3: no separator. Put a tab between path and text."


def test_bad_input_exits_with_2_and_other_errors_with_1():
    assert UserError("a", "b", "c").exit_code == 2
    assert OcrError("x").exit_code == 1


def test_an_error_survives_the_way_from_a_worker():
    error = pickle.loads(pickle.dumps(LabelError("gt.txt:3", "no separator", "Put a tab")))
    assert (type(error), error.where, error.fix) == (LabelError, "gt.txt:3", "Put a tab")


def test_paths_and_names_stay_as_they_are():
    error = LabelError("ar_lmdb/labels.txt:3", "no tab", "ar_lmdb/report.json has more")
    assert str(error) == "ar_lmdb/labels.txt:3: no tab. ar_lmdb/report.json has more."


def test_a_name_cannot_break_the_line():
    assert str(LabelError("a\nb\x1b[2J", "bad", "Look")) == r"a\nb\u001b[2J: bad. Look."


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def fixes(path: Path) -> Iterator[str]:
    """Yields how each literal next step of the user errors in a file begins."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        name = (
            node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        )
        if name in USER_ERRORS and len(node.args) == 3:
            fix = node.args[2]
            start = fix.values[0] if isinstance(fix, ast.JoinedStr) else fix
            if isinstance(start, ast.Constant):
                yield str(start.value)


@pytest.mark.parametrize("package", ["ocr_lib", "components", "pipelines"])
def test_next_steps_are_sentences(package):
    found = [fix for path in (ROOT / package).rglob("*.py") for fix in fixes(path)]
    assert found
    assert [fix for fix in found if fix[:1].islower()] == []


def test_a_temporary_folder_is_called_what_users_know_it_by(tmp_path):
    with pytest.raises(LabelError) as error, errors.naming(tmp_path, "s3://b/data"):
        raise LabelError(f"{tmp_path}/gt.txt:3", "no tab", f"See {tmp_path}/gt.txt")
    assert str(error.value) == "s3://b/data/gt.txt:3: no tab. See s3://b/data/gt.txt."
    assert error.value.where == "s3://b/data/gt.txt:3"
    with pytest.raises(OcrError, match=r"^s3://b: lost$"), errors.naming(tmp_path, "s3://b"):
        raise OcrError(f"{tmp_path}: lost")
