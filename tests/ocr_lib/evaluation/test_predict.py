from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.evaluation import predict as predicting
from ocr_lib.evaluation.predict import CHUNK, evenly_spaced, partitions, predict
from ocr_lib.evaluation.predictions import Predictions, join
from ocr_lib.evaluation.score import score
from ocr_lib.inference.recognizer import Recognizer
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network, png
from tests.ocr_lib.memory_dataset import MemoryDataset, drawn

MIXED = MemoryDataset(
    [
        *((png(text), label) for text, label in [("abc", "abc"), ("ab c", "abc"), ("12", "13")]),
        *((b"no image", "abc"), (None, "abc"), (b"", "")),
        *((png("ab" * n), "ab" * n) for n in range(1, 15)),
    ]
)


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer(PREPROCESS, DICTIONARY, network)


@given(st.integers(0, 5000), st.integers(-1, 40))
def test_partitions_are_whole_chunks_one_after_the_other(samples: int, most: int) -> None:
    found = partitions(samples, most)
    assert [row for rows in found for row in rows] == list(range(samples))
    assert 1 <= len(found) <= max(1, most)
    assert all(rows.start % CHUNK == 0 for rows in found)
    assert samples == 0 or all(found)
    assert max(map(len, found)) - min(map(len, found[:-1] or found)) <= CHUNK


@given(st.integers(0, 500), st.one_of(st.none(), st.integers(1, 600)))
def test_a_limit_takes_samples_from_everywhere(samples: int, limit: int | None) -> None:
    found = list(evenly_spaced(samples, limit))
    assert len(found) == (samples if limit is None else min(samples, limit))
    assert found == sorted(set(found))
    gaps = {b - a for a, b in pairwise(found)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


def test_only_the_samples_named_are_predicted(recognizer: Recognizer) -> None:
    predictions = predict(recognizer, drawn(["a"] * 90 + ["b"] * 10), evenly_spaced(100, 10))
    assert list(predictions.indices) == list(range(0, 100, 10))
    assert [one.text for one in predictions.recognitions] == ["a"] * 9 + ["b"]


def test_a_sample_that_cannot_be_read_fails_alone_with_its_cause(recognizer: Recognizer) -> None:
    samples = [(None, "abc"), (png("abc"), "abc"), (b"no image", "abc"), (b"", "")]
    found = predict(recognizer, MemoryDataset(samples)).recognitions
    assert [one.text for one in found] == ["", "abc", "", ""]
    assert [one.error for one in found] == [
        "the file is missing",
        None,
        "not an image of a known format (8 bytes)",
        "the image is empty",
    ]


def test_predictions_carry_what_scoring_needs_of_the_model(recognizer: Recognizer) -> None:
    found = predict(
        recognizer, drawn(["a"]), model_digest="m", weights_sha256="w", dataset_digest="d"
    )
    assert (found.model.digest, found.model.weights_sha256, found.dataset_digest) == ("m", "w", "d")
    assert (found.model.charset, found.model.preprocess) == (DICTIONARY, PREPROCESS)
    assert [one.text for one in found.recognitions] == ["a"]


@pytest.mark.parametrize("pods", [1, 2, 3, 7, 100])
def test_what_several_processes_predict_scores_as_if_it_were_one(
    pods: int, tmp_path: Path, recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "CHUNK", 2)
    alone = score(predict(recognizer, MIXED), MIXED, watch=[1, 2])
    files = []
    for number, rows in enumerate(partitions(len(MIXED), pods)):
        files.append(tmp_path / f"{number}.jsonl")
        predict(recognizer, MIXED, rows).save(files[-1])
    together = score(join(map(Predictions.load, files[::-1])), MIXED, watch=[1, 2])
    assert replace(together, seconds=0.0) == replace(alone, seconds=0.0)
    assert (alone.unreadable, alone.samples) == (3, len(MIXED))
