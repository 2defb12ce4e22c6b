from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import DataError
from ocr_lib.evaluation import predictions as readings
from ocr_lib.evaluation.evaluate import evaluate
from ocr_lib.evaluation.predictions import CHUNK, Replay, load, partitions, predict, save
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.text.recognition import Recognition
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network, png
from tests.ocr_lib.memory_dataset import MemoryDataset

MIXED = MemoryDataset(
    [
        *((png(text), label) for text, label in [("abc", "abc"), ("ab c", "abc"), ("12", "13")]),
        *((b"no image", "abc"), (None, "abc"), (b"", "")),
        *((png("ab" * n), "ab" * n) for n in range(1, 15)),
    ]
)


@given(st.integers(0, 5000), st.integers(-1, 40))
def test_shares_are_whole_chunks_one_after_the_other(lines: int, most: int) -> None:
    found = partitions(lines, most)
    assert [row for rows in found for row in rows] == list(range(lines))
    assert 1 <= len(found) <= max(1, most)
    assert all(rows.start % CHUNK == 0 for rows in found)
    assert lines == 0 or all(found)
    assert max(map(len, found)) - min(map(len, found[:-1] or found)) <= CHUNK


@pytest.mark.parametrize("pods", [1, 2, 3, 7, 100])
def test_what_others_read_counts_as_if_it_were_read_here(
    pods: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "CHUNK", 2)
    recognizer = Recognizer(PREPROCESS, DICTIONARY, network)
    alone = evaluate(recognizer, MIXED, watch=[1, 2])
    parts = []
    for number, rows in enumerate(partitions(len(MIXED), pods)):
        save(predict(recognizer, MIXED, rows), tmp_path / f"{number}.jsonl")
        parts.append(load(tmp_path / f"{number}.jsonl", len(rows)))
    replay = Replay(recognizer, (reading for part in parts for reading in part))
    together = evaluate(replay, MIXED, watch=[1, 2])
    assert replace(together, seconds=0.0) == replace(alone, seconds=0.0)
    assert (alone.unreadable, alone.samples) == (3, len(MIXED))


@given(
    st.lists(
        st.builds(
            Recognition,
            st.text(),
            st.floats(0, 1),
            st.just(()),
            st.one_of(st.none(), st.text()),
        )
    )
)
def test_readings_survive_their_file(
    tmp_path_factory: pytest.TempPathFactory, found: Sequence[Recognition]
) -> None:
    path = tmp_path_factory.mktemp("readings") / "readings.jsonl"
    save(found, path)
    assert list(load(path, len(found))) == found
    with pytest.raises(DataError, match="Read them again"):
        list(load(path, len(found) + 1))
