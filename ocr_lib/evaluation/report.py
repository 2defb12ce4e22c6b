"""What an evaluation found, and its JSON form."""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, astuple, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from ocr_lib.atomic import write_json
from ocr_lib.errors import DataError
from ocr_lib.evaluation.block_counts import BlockCounts
from ocr_lib.evaluation.characters import Confusion, Recall
from ocr_lib.regular_file import read_bounded
from ocr_lib.text.recognition import Recognition

FORMAT = 2
READABLE = (1, 2)  # 1 had no slices by content, characters, confusions, bins and cells
SLICES = ("by_length", "by_width", "by_class", "by_script", "by_source")


@dataclass(slots=True)
class PredictedSample:
    """One scored sample.

    Attributes:
        index: position in the data set.
        name: the image's name there.
        label: the truth.
        recognition: the model's.
        similarity: 1 - edit distance / longer length; 0 for an unreadable image.
        correct: whether the text is exactly the label, spaces counted.
        image: the encoded image; in a report a small PNG of it.
    """

    index: int
    name: str
    label: str
    recognition: Recognition
    similarity: float = 0.0
    correct: bool = False
    image: bytes = b""

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON-ready values, the recognition's among the others."""
        read = self.recognition
        return {
            "index": self.index,
            "name": self.name,
            "label": self.label,
            "text": read.text,
            "score": read.score,
            "similarity": self.similarity,
            "correct": self.correct,
            "error": read.error,
            "image": base64.b64encode(self.image).decode("ascii"),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` returned."""
        return cls(
            values["index"],
            values["name"],
            values["label"],
            Recognition(values["text"], values["score"], error=values["error"]),
            values["similarity"],
            values["correct"],
            base64.b64decode(values["image"]),
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """Figures over some of the samples, such as all labels of 6 to 10 characters."""

    name: str
    samples: int
    accuracy: float
    norm_edit_dis: float
    cer: float
    space_f1: float | None = None


@dataclass(frozen=True, slots=True)
class Spaces:
    """How well spaces are read, by alignment with the label. Shares are fractions of 1.

    Attributes:
        hits: spaces of the labels that were read as spaces.
        truths: spaces in the labels.
        reads: spaces in what was read.
    """

    hits: int = 0
    truths: int = 0
    reads: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the spaces read that are in the label; None where none was read."""
        return self.hits / self.reads if self.reads else None

    @property
    def recall(self) -> float | None:
        """Share of the labels' spaces that were read; None where there are none."""
        return self.hits / self.truths if self.truths else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None where there are no spaces at all."""
        total = self.truths + self.reads
        return 2 * self.hits / total if total else None


@dataclass(frozen=True, slots=True)
class Bin:
    """The samples with scores of one range.

    Attributes:
        lines: how many.
        correct: how many of them were read exactly.
        score: their mean score.
    """

    lines: int
    correct: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalReport:
    """Figures over a data set. Shares are fractions of 1.

    Attributes:
        samples: how many were scored.
        unreadable: how many of them could not be decoded; they count as wrong.
        out_of_dictionary: samples whose label has characters that the model cannot say; wrong too.
        accuracy: samples read exactly, spaces counted.
        norm_edit_dis: mean of 1 - edit distance / longer length, spaces counted.
        cer: edits over characters of the labels.
        paddleocr: `acc` and `norm_edit_dis` as PaddleOCR computes them (characters outside the
            dictionary are taken out of the label first), spaces counted; and both with the
            suffixes `_ignore_space`, PaddleOCR's default, and `_is_filter` (ASCII letters and
            digits only, without case).
        by_length: by characters of the label.
        by_width: by width bucket in px.
        by_class: samples whose label has letters, digits, punctuation, spaces, upper or lower case;
            a sample can be in several.
        by_script: samples whose label has letters of a script; a sample can be in several.
        by_source: by label list or folder, where there are several.
        spaces: counts of spaces.
        characters: character of the labels → how often it was read.
        confusions: the most frequent ones.
        reliability: samples by score, in bins of equal width from 0 to 1; unreadable ones left out.
        cells: sums by slice and block, for paired statistics; None in reports of format 1.
        leaked: samples whose image is a training image too; None where it was not checked.
        worst: the worst samples, worst first, with small pictures.
        watched: position → text of the samples that were asked for.
        errors: first unreadable images, each with its cause.
        outcomes: one byte a sample in order, 1 where it was read exactly: for paired tests.
        dataset_digest: SHA-256 over all labels and images; equal digests mean the same samples.
        seconds: wall time of the evaluation.
    """

    samples: int
    unreadable: int
    out_of_dictionary: int
    accuracy: float
    norm_edit_dis: float
    cer: float
    paddleocr: dict[str, float]
    by_length: tuple[Slice, ...]
    by_width: tuple[Slice, ...]
    worst: tuple[PredictedSample, ...]
    watched: dict[int, str]
    errors: tuple[str, ...]
    outcomes: bytes
    dataset_digest: str
    seconds: float
    by_class: tuple[Slice, ...] = ()
    by_script: tuple[Slice, ...] = ()
    by_source: tuple[Slice, ...] = ()
    spaces: Spaces = Spaces()
    characters: dict[str, Recall] = field(default_factory=dict)
    confusions: tuple[Confusion, ...] = ()
    reliability: tuple[Bin, ...] = ()
    cells: BlockCounts | None = None
    leaked: int | None = None

    @property
    def calibration_error(self) -> float | None:
        """Mean gap between score and share of exact samples, by bin; None in old reports.

        Source: expected calibration error, Guo et al. 2017, over samples instead of classes.
        """
        lines = sum(part.lines for part in self.reliability)
        gaps = (abs(part.correct - part.score * part.lines) for part in self.reliability)
        return sum(gaps) / lines if lines else None

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON-ready values."""
        values = asdict(replace(self, worst=()))
        values["worst"] = [sample.to_dict() for sample in self.worst]
        values["cells"] = self.cells and self.cells.to_dict()
        values["characters"] = {c: list(astuple(r)) for c, r in self.characters.items()}
        packed = np.packbits(np.frombuffer(self.outcomes, np.uint8)).tobytes()
        values["outcomes"] = base64.b64encode(packed).decode("ascii")
        return {"format": FORMAT, **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` returned."""
        arguments = {f.name: values[f.name] for f in fields(cls) if f.name in values or _needed(f)}
        packed = np.frombuffer(base64.b64decode(arguments["outcomes"]), np.uint8)
        arguments["outcomes"] = np.unpackbits(packed, count=arguments["samples"]).tobytes()
        for name in SLICES:
            arguments[name] = tuple(Slice(**item) for item in arguments.get(name, ()))
        arguments["worst"] = tuple(PredictedSample.from_dict(item) for item in arguments["worst"])
        arguments["watched"] = {int(index): text for index, text in arguments["watched"].items()}
        arguments["errors"] = tuple(arguments["errors"])
        arguments |= _of_format_2(values)
        return cls(**arguments)

    def save(self, path: str | Path) -> None:
        """Writes the report as JSON, whole or not at all."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a report that `save` wrote.

        Raises:
            DataError: the file is not a report of this format.
        """
        try:
            values = json.loads(read_bounded(path))
            if values["format"] not in READABLE:
                raise ValueError(f"format {values['format']}, {FORMAT} is known")
            return cls.from_dict(values)
        except OSError as error:
            cause = f"cannot be read ({error.strerror})"
            raise DataError(str(path), cause, "Check the path") from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            cause = "not an evaluation report, as it is not JSON"
            raise DataError(str(path), cause, "Name a file that `ocr eval --json` wrote") from error
        except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
            raise DataError(
                str(path), f"not an evaluation report ({error!r})", "Run `ocr eval` again"
            ) from error


def _needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _of_format_2(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields that reports of format 1 lack; nothing for those."""
    if values.get("format", FORMAT) == 1:
        return {}
    cells = values["cells"]
    return {
        "spaces": Spaces(**values["spaces"]),
        "characters": {c: Recall(*counts) for c, counts in values["characters"].items()},
        "confusions": tuple(Confusion(**item) for item in values["confusions"]),
        "reliability": tuple(Bin(**item) for item in values["reliability"]),
        "cells": None if cells is None else BlockCounts.from_dict(cells),
    }
