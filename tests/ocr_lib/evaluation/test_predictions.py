import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import DataError
from ocr_lib.evaluation import predictions as module
from ocr_lib.evaluation.latency import LatencyAndSize
from ocr_lib.evaluation.predictions import ModelFacts, Predictions, check_predictions, join
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS

DATA, MODEL = "d" * 64, "e" * 64
FACTS = ModelFacts(MODEL, "f" * 64, DICTIONARY, PREPROCESS)
ALL = "samples 1 to 4 were predicted with "
TEXTS = st.one_of(st.none(), st.text())


def part(first: int, last: int, **changes: Any) -> Predictions:
    read = [Recognition(str(index), 0.5) for index in range(first, last)]
    made = Predictions(
        model=FACTS,
        dataset_digest=DATA,
        indices=range(first, last),
        recognitions=read,
        seconds=1.5,
    )
    return replace(made, **changes)


@given(
    st.lists(
        st.builds(Recognition, st.text(), st.floats(0, 1), st.just(()), TEXTS),
    ),
    st.booleans(),
)
def test_predictions_survive_their_file(
    tmp_path_factory: pytest.TempPathFactory, read: Sequence[Recognition], gaps: bool
) -> None:
    path = tmp_path_factory.mktemp("predictions") / "candidate.jsonl"
    indices = list(range(0, 3 * len(read), 3)) if gaps else range(len(read))
    times = LatencyAndSize(1.5, 2.0, 10, 20)
    written = part(0, 0, indices=indices, recognitions=list(read), latency=times)
    written.save(path)
    found = Predictions.load(path)
    assert list(found.indices) == list(indices)
    assert replace(found, indices=indices) == written


def test_scores_of_single_characters_are_not_stored(tmp_path: Path) -> None:
    part(0, 1, recognitions=[Recognition("ab", 0.5, (0.4, 0.6))]).save(tmp_path / "file")
    assert Predictions.load(tmp_path / "file").recognitions == [Recognition("ab", 0.5)]


def rewritten(path: Path, header: dict[str, Any], rows: Sequence[Any]) -> None:
    """Changes a file as its writer would have written it: the digest fits."""
    first, *_ = path.read_bytes().splitlines()
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    values = {**json.loads(first), "sha256": hashlib.sha256(body).hexdigest(), **header}
    path.write_bytes(json.dumps(values).encode() + b"\n" + body)


ROWS = [[0, "a", 0.5, None], [1, "b", 0.5, None]]


@pytest.mark.parametrize(
    ("header", "rows", "complaint"),
    [
        ({"format": 2}, ROWS, "format 2, 1 is known"),
        ({"samples": 3}, ROWS, "2 samples, not 3"),
        ({"sha256": "0" * 64}, ROWS, "not those that were written"),
        ({"dataset_digest": 7}, ROWS, "7 is not a text"),
        ({"seconds": "long"}, ROWS, "'long' is not a number"),
        ({"latency": {"latency_ms": 1.0}}, ROWS, "missing 3 required"),
        ({"latency": dict.fromkeys(LatencyAndSize(1, 1, 1, 1).to_dict(), -1)}, ROWS, "not times"),
        ({"model": {}}, ROWS, "'characters'"),
        ({}, [[1, "a", 0.5, None], [0, "b", 0.5, None]], "2 samples, not 2 in their order"),
        ({}, [[0, "a", 0.5, None], [0, "b", 0.5, None]], "2 samples, not 2 in their order"),
        ({}, [[-1, "a", 0.5, None], [0, "b", 0.5, None]], "-1 is not a position"),
        ({}, [[0, 7, 0.5, None], [1, "b", 0.5, None]], "7 is not a text"),
        ({}, [[0, "a", None, None], [1, "b", 0.5, None]], "None is not a number"),
        ({}, [[0, "a", float("nan"), None], [1, "b", 0.5, None]], "nan is not a number"),
        ({}, [[0, "a", 0.5], [1, "b", 0.5, None]], "not enough values"),
    ],
)
def test_a_file_that_was_not_written_so_is_refused(
    tmp_path: Path, header: dict[str, Any], rows: list[Any], complaint: str
) -> None:
    path = tmp_path / "candidate.jsonl"
    part(0, 2).save(path)
    rewritten(path, {}, ROWS)
    assert Predictions.load(path).recognitions[1] == Recognition("b", 0.5)
    rewritten(path, header, rows)
    with pytest.raises(DataError, match=complaint) as error:
        Predictions.load(path)
    assert str(path) in str(error.value)
    assert str(error.value).endswith("Run predict again.")


def test_characters_that_were_changed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "candidate.jsonl"
    part(0, 1).save(path)
    path.write_bytes(path.read_bytes().replace(b'"entries": ["a"', b'"entries": ["z"'))
    with pytest.raises(DataError, match="the characters are not those of their digest"):
        Predictions.load(path)


def test_a_file_cut_off_or_too_large_or_missing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "candidate.jsonl"
    with pytest.raises(DataError, match="cannot be read"):
        Predictions.load(path)
    part(0, 9).save(path)
    whole = path.read_bytes()
    for size in (0, 20, len(whole) - 5):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="not a predictions file"):
            Predictions.load(path)
    path.write_bytes(whole)
    monkeypatch.setattr(module, "MAX_BYTES", 50)
    with pytest.raises(DataError, match="more than 50 bytes"):
        Predictions.load(path)


def test_parts_are_joined_in_the_order_of_their_samples() -> None:
    times = LatencyAndSize(1.0, 2.0, 3, 4)
    found = join([part(4, 9), part(9, 10), part(0, 4, latency=times)])
    assert found.indices == range(10)
    assert [one.text for one in found.recognitions] == [str(index) for index in range(10)]
    assert (found.seconds, found.latency) == (4.5, times)
    check_predictions(found, 10, DATA, MODEL)


OTHER = replace(FACTS, digest="0" * 64)


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ([part(0, 0)], "sample 1 of 10 was not predicted"),
        ([part(0, 4)], "sample 5 of 10 was not predicted"),
        ([part(4, 10)], "sample 1 of 10 was not predicted"),
        ([part(7, 10), part(0, 4)], "sample 5 of 10 was not predicted"),
        ([part(0, 4), part(3, 10)], "sample 4 was predicted twice"),
        ([part(0, 10), part(0, 10)], "sample 10 was predicted twice|sample 1 was predicted twice"),
        ([part(0, 12)], "sample 12 is beyond the 10 of the data set"),
        ([part(0, 4), part(4, 10, model=OTHER)], "samples 5 to 10 were .* model 0{12}, not e{12}"),
        ([part(0, 10, model=OTHER)], "samples 1 to 10 were predicted with model 0{12}, not e{12}"),
        ([part(0, 10, dataset_digest="")], "with data set none, not dddddddddddd"),
        (
            [part(0, 4), part(4, 10, model=replace(FACTS, charset=Charset(("x",))))],
            "samples 5 to 10 differ in the model's facts",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: list[Predictions], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint) as error:
        check_predictions(join(parts), 10, DATA, MODEL)
    assert str(error.value).endswith(" again.")
