"""Predictions: recognitions on samples of a data set, with the facts of the model that made them.

A predictions file is UTF-8, one JSON value a line. The first line is an object:

| key | what |
| --- | --- |
| format | 1 |
| model | digest, weights_sha256, characters (with flags and digest), preprocess |
| dataset_digest | of the data set's tree in the object store |
| samples, sha256 | how many lines follow, and the digest of their bytes |
| seconds | wall time of predicting |
| latency | `LatencyAndSize` of candidate and champion; null where they were not timed |

Each further line is `[index, text, score, error]`, indices ascending; error is null or the cause.
Files are made in parts, by several processes; sums of fractions depend on their order, so parts are
joined first and scored as one: the report is that of a single process, to the last bit.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from math import isfinite
from pathlib import Path
from typing import Any, Self

from ocr_lib.atomic import write_bytes
from ocr_lib.data.image import Preprocess
from ocr_lib.errors import DataError
from ocr_lib.evaluation.latency import LatencyAndSize
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition

FORMAT = 1
MAX_BYTES = 1 << 30  # of a file
MAX_HEADER_BYTES = 16 << 20  # the longest dictionaries have some 20,000 entries
PREDICT_AGAIN = "Run predict again"
WHERE = "the predictions"
CANDIDATE, CHAMPION = "candidate.jsonl", "champion.jsonl"  # names of the files in a partition


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What scoring and comparing need to know of a model.

    Attributes:
        digest: of the run directory or bundle that it was loaded from; "" for a local one.
        weights_sha256: of the weights in it; "" for a local one.
        charset: its characters.
        preprocess: its input: the width buckets.
    """

    digest: str
    weights_sha256: str
    charset: Charset
    preprocess: Preprocess

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON-ready values."""
        return {
            "digest": self.digest,
            "weights_sha256": self.weights_sha256,
            "characters": {
                "entries": list(self.charset.characters),
                "lower": self.charset.lower,
                "right_to_left": self.charset.right_to_left,
                "digest": self.charset.digest,
            },
            "preprocess": self.preprocess.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Reads what `to_dict` returned.

        Raises:
            ValueError: the characters are not those of their digest.
        """
        of = values["characters"]
        charset = Charset(tuple(map(_text, of["entries"])), of["lower"], of["right_to_left"])
        if charset.digest != of["digest"]:
            raise ValueError("the characters are not those of their digest")
        return cls(
            _text(values["digest"]),
            _text(values["weights_sha256"]),
            charset,
            Preprocess.from_dict(values["preprocess"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Recognitions of one model on samples of one data set.

    Attributes:
        model: which model.
        dataset_digest: of the data set; "" for a local one.
        indices: positions of the samples in the data set, ascending.
        recognitions: one for each index.
        seconds: wall time of predicting.
        latency: of candidate and champion, timed side by side; None where they were not.
    """

    model: ModelFacts
    dataset_digest: str
    indices: Sequence[int]
    recognitions: Sequence[Recognition]
    seconds: float
    latency: LatencyAndSize | None = None

    def save(self, path: Path) -> None:
        """Writes the file, whole or not at all; without the scores of single characters."""
        pairs = zip(self.indices, self.recognitions, strict=True)
        rows = b"".join(_json([i, one.text, one.score, one.error]) for i, one in pairs)
        header = {
            "format": FORMAT,
            "model": self.model.to_dict(),
            "dataset_digest": self.dataset_digest,
            "samples": len(self.indices),
            "sha256": hashlib.sha256(rows).hexdigest(),
            "seconds": self.seconds,
            "latency": self.latency and self.latency.to_dict(),
        }
        write_bytes(path, _json(header) + rows)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote.

        Raises:
            DataError: the file is missing, too large, of another format, or not what was written.
        """
        try:
            with path.open("rb") as file:
                header = json.loads(file.readline(MAX_HEADER_BYTES))
                if header["format"] != FORMAT:
                    raise ValueError(f"format {header['format']!r}, {FORMAT} is known")
                if path.stat().st_size > MAX_BYTES:
                    raise ValueError(f"more than {MAX_BYTES:,} bytes")
                return cls._parsed(header, file.read(MAX_BYTES))
        except OSError as error:
            raise DataError(
                str(path), f"cannot be read ({error.strerror})", PREDICT_AGAIN
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            cause = f"not a predictions file of this version ({error})"
            raise DataError(str(path), cause, PREDICT_AGAIN) from error

    @classmethod
    def _parsed(cls, header: dict[str, Any], rows: bytes) -> Self:
        if hashlib.sha256(rows).hexdigest() != header["sha256"]:
            raise ValueError("its samples are not those that were written")
        indices, recognitions = [], []
        for row in rows.splitlines():
            index, text, score, error = json.loads(row)
            indices.append(_index(index))
            read = Recognition(_text(text), _number(score), error=error and _text(error))
            recognitions.append(read)
        if len(indices) != header["samples"] or any(b <= a for a, b in pairwise(indices)):
            raise ValueError(f"{len(indices):,} samples, not {header['samples']} in their order")
        latency = header["latency"]
        return cls(
            model=ModelFacts.from_dict(header["model"]),
            dataset_digest=_text(header["dataset_digest"]),
            indices=_compact(indices),
            recognitions=recognitions,
            seconds=_number(header["seconds"]),
            latency=latency and LatencyAndSize.from_dict(latency),
        )


def join(parts: Iterable[Predictions]) -> Predictions:
    """Returns the parts as one, in the order of their samples.

    Args:
        parts: at least one; of one model on one data set.

    Raises:
        DataError: a sample is predicted twice, or the parts are not of one model and data set.
    """
    ordered = sorted(parts, key=lambda part: tuple(part.indices[:1]))
    first = ordered[0]
    for part in ordered[1:]:
        _check_same("data set", part, part.dataset_digest, first.dataset_digest)
        _check_same("model", part, part.model.digest, first.model.digest)
        if part.model != first.model:
            raise DataError(WHERE, f"{_span(part)} differ in the model's facts", PREDICT_AGAIN)
    indices = list(chain.from_iterable(part.indices for part in ordered))
    for a, b in pairwise(indices):
        if b <= a:
            raise DataError(WHERE, f"sample {b + 1:,} was predicted twice", PREDICT_AGAIN)
    return replace(
        first,
        indices=_compact(indices),
        recognitions=list(chain.from_iterable(part.recognitions for part in ordered)),
        seconds=sum(part.seconds for part in ordered),
        latency=next((part.latency for part in ordered if part.latency), None),
    )


def check_predictions(predictions: Predictions, samples: int, dataset: str, model: str) -> None:
    """Checks that each sample of a data set was predicted, and by the model expected.

    Args:
        predictions: joined ones.
        samples: size of the data set.
        dataset: digest of the data set.
        model: digest of the model.

    Raises:
        DataError: one of these differs; names the samples, or both digests.
    """
    _check_same("data set", predictions, predictions.dataset_digest, dataset)
    _check_same("model", predictions, predictions.model.digest, model)
    indices = predictions.indices
    if indices != range(samples):
        beyond = [index for index in indices[-1:] if index >= samples]
        missing = next((i for i, index in enumerate(indices) if i != index), len(indices))
        which = (
            f"sample {beyond[0] + 1:,} is beyond the {samples:,} of the data set"
            if beyond
            else f"sample {missing + 1:,} of {samples:,} was not predicted"
        )
        raise DataError(WHERE, which, PREDICT_AGAIN)


def _check_same(what: str, part: Predictions, actual: str, expected: str) -> None:
    if actual != expected:
        raise DataError(
            WHERE,
            f"{_span(part)} were predicted with {what} {actual[:12] or 'none'}, not "
            f"{expected[:12] or 'none'}",
            "Run the pipeline again",
        )


def _span(part: Predictions) -> str:
    if not part.indices:
        return "no samples"
    return f"samples {part.indices[0] + 1:,} to {part.indices[-1] + 1:,}"


def _compact(indices: list[int]) -> Sequence[int]:
    """Returns a range where the indices follow each other."""
    if indices and indices[-1] - indices[0] == len(indices) - 1:
        return range(indices[0], indices[-1] + 1)
    return indices


def _json(value: Any) -> bytes:
    # ASCII, so that no character within a text ends a line.
    return (json.dumps(value, allow_nan=False) + "\n").encode("ascii")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _index(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} is not a position")
    return value
