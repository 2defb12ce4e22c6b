"""What several pods read, put together: whole, without overlap, and by one pair of models."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ocr_lib.data.base import Dataset
from ocr_lib.errors import DataError
from ocr_lib.evaluation.evaluate import evaluate
from ocr_lib.evaluation.partition import CANDIDATE, CHAMPION, PredictionPartition
from ocr_lib.evaluation.predictions import Predictor, Replay, load
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.store import Store

WHERE, AGAIN = "the parts of the evaluation", "Run the pipeline again"
# What all parts have in common, in words, and how it can have come to differ.
COMMON = {
    "test_digest": ("data", "they were packed again meanwhile"),
    "weights_sha256": ("weights", "the run folder was changed meanwhile"),
    "champion_digest": ("serving model", "a model was deployed meanwhile"),
}


@dataclass(frozen=True, slots=True)
class Readings:
    """All parts in the order of their lines, fetched.

    Attributes:
        parts: which lines, and with what they were read.
        folders: what was read.
    """

    parts: tuple[PredictionPartition, ...]
    folders: tuple[Path, ...]

    @classmethod
    def fetch(
        cls,
        store: Store,
        pointers: Sequence[ArtifactRef],
        lines: int,
        test_digest: str,
        weights: str,
        work: Path,
    ) -> "Readings":
        """Checks the parts and fetches them.

        Args:
            store: holds the parts.
            pointers: to the parts, in any order.
            lines: how many they must be together.
            test_digest: of the test set.
            weights: SHA-256 of the candidate's.
            work: a folder that does not exist yet.

        Raises:
            DataError: lines are missing or read twice, or not all by these weights and one
                champion.
        """
        found = sorted(
            ((PredictionPartition.from_dict(pointer.metadata), pointer) for pointer in pointers),
            key=lambda item: (item[0].first, item[0].last),
        )
        parts = tuple(part for part, _ in found)
        check_whole(parts, lines)
        check_common(parts, (test_digest, weights, parts[0].champion_digest))
        folders = [download(store, item, work / f"{part.first:09d}") for part, item in found]
        return cls(parts, tuple(folders))

    @property
    def common(self) -> PredictionPartition:
        """The part that speaks for all: data, weights and champion are those of each."""
        return self.parts[0]

    def candidate(self, model: Predictor, dataset: Dataset) -> EvalReport:
        """Counts what the candidate read."""
        seconds = sum(part.candidate_seconds for part in self.parts)
        return replace(evaluate(self._replay(model, CANDIDATE), dataset), seconds=seconds)

    def champion(self, model: Predictor, dataset: Dataset, watch: Sequence[int]) -> EvalReport:
        """Counts what the champion read.

        Args:
            model: the champion.
            dataset: all lines.
            watch: positions whose text to keep whatever it is.
        """
        seconds = sum(part.champion_seconds for part in self.parts)
        found = evaluate(self._replay(model, CHAMPION), dataset, watch=watch)
        return replace(found, seconds=seconds)

    def _replay(self, model: Predictor, name: str) -> Replay:
        pairs = zip(self.parts, self.folders, strict=True)
        files = (load(folder / name, part.last - part.first) for part, folder in pairs)
        return Replay(model, (reading for file in files for reading in file))


def check_whole(parts: Sequence[PredictionPartition], lines: int) -> None:
    """Checks that every line was read once.

    Raises:
        DataError: it was not.
    """
    ends = [0, *(part.last for part in parts)]
    starts = [*(part.first for part in parts), lines]
    for end, start in zip(ends, starts, strict=True):
        if start != end:
            what = "were not read" if start > end else "were read twice"
            a, b = min(start, end), max(start, end)
            raise DataError(WHERE, f"lines {a + 1:,} to {b:,} of {lines:,} {what}", AGAIN)


def check_common(parts: Sequence[PredictionPartition], expected: tuple[str, str, str]) -> None:
    """Checks that all parts were read on the same data with the same models.

    Args:
        parts: all of them.
        expected: `COMMON` of each.

    Raises:
        DataError: they were not.
    """
    for part in parts:
        for (name, (what, how)), wanted in zip(COMMON.items(), expected, strict=True):
            if (found := getattr(part, name)) != wanted:
                raise DataError(
                    WHERE,
                    f"lines {part.first + 1:,} to {part.last:,} were read with {what} "
                    f"{found[:12] or 'none'}, not {wanted[:12] or 'none'}: {how}",
                    AGAIN,
                )
