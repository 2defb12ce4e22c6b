"""Parts that do not fit together are refused, each with what is wrong and what to do."""

from dataclasses import replace
from pathlib import Path

import pytest

from components.evaluate.readings import Readings
from ocr_lib.errors import DataError
from ocr_lib.evaluation.partition import CANDIDATE, PredictionPartition
from ocr_lib.evaluation.predictions import save
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import upload
from ocr_lib.storage.store import Store
from ocr_lib.text.recognition import Recognition

DATA, WEIGHTS, CHAMPION = "d" * 64, "e" * 64, "c" * 64


def part(first: int, last: int) -> PredictionPartition:
    return PredictionPartition(
        first, last, DATA, WEIGHTS, 1.0, "s3://ocr/registry/m", CHAMPION, 2.0
    )


def pointer(part: PredictionPartition) -> ArtifactRef:
    return ArtifactRef("s3://ocr/runs/r/readings/1", "0" * 64, part.to_dict())


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ([], "lines 1 to 10 of 10 were not read"),
        ([part(0, 4)], "lines 5 to 10 of 10 were not read"),
        ([part(4, 10)], "lines 1 to 4 of 10 were not read"),
        ([part(7, 10), part(0, 4)], "lines 5 to 7 of 10 were not read"),
        ([part(0, 4), part(3, 10)], "lines 4 to 4 of 10 were read twice"),
        ([part(0, 10), part(0, 10)], "lines 1 to 10 of 10 were read twice"),
        ([part(0, 12)], "lines 11 to 12 of 10 were read twice"),
        (
            [part(0, 4), replace(part(4, 10), champion_digest="f" * 64)],
            "lines 5 to 10 were read with serving model ffffffffffff, not cccccccccccc: a model",
        ),
        (
            [part(4, 10), replace(part(0, 4), champion_digest="")],
            "lines 5 to 10 were read with serving model cccccccccccc, not none: a model was",
        ),
        (
            [part(0, 4), replace(part(4, 10), weights_sha256="f" * 64)],
            "lines 5 to 10 were read with weights ffffffffffff, not eeeeeeeeeeee: the run folder",
        ),
        (
            [replace(part(0, 10), test_digest="f" * 64)],
            "lines 1 to 10 were read with data ffffffffffff, not dddddddddddd: they were packed",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    store: Store, parts: list[PredictionPartition], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=complaint) as error:
        Readings.fetch(store, list(map(pointer, parts)), 10, DATA, WEIGHTS, tmp_path / "work")
    assert str(error.value).endswith("Run the pipeline again.")


def test_a_part_with_lines_missing_is_refused(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "readings"
    folder.mkdir()
    save([Recognition("a", 1.0, ())] * 3, folder / CANDIDATE)
    found = upload(store, folder, "runs/short/readings", **part(0, 4).to_dict())
    read = Readings.fetch(store, [found], 4, DATA, WEIGHTS, tmp_path / "work")
    replay = read._replay(_Nobody(), CANDIDATE)
    with pytest.raises(DataError, match=r"candidate\.jsonl: 3 lines, not 4"):
        replay.read([b""] * 4)


class _Nobody:
    preprocess = dictionary = None
