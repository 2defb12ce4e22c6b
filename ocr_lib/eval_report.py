"""What an evaluation found, and its JSON form."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from ocr_lib.atomic import write_json
from ocr_lib.errors import DataError

FORMAT = 1


@dataclass(slots=True)
class Line:
    """One evaluated line.

    Attributes:
        index: position in the data set.
        name: the image's name there.
        label: the truth.
        text: what the model read.
        score: the model's confidence, 0..1.
        similarity: 1 - edit distance / longer length; 0 for an unreadable image.
        correct: whether the text is exactly the label, spaces counted.
        error: why the image could not be read.
        image: the encoded image; in a report a small PNG of it.
    """

    index: int
    name: str
    label: str
    text: str = ""
    score: float = 0.0
    similarity: float = 0.0
    correct: bool = False
    error: str | None = None
    image: bytes = b""


@dataclass(frozen=True, slots=True)
class Slice:
    """Figures over some of the lines, such as all labels of 6 to 10 characters."""

    name: str
    samples: int
    accuracy: float
    norm_edit_dis: float
    cer: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalReport:
    """Figures over a data set. Shares are fractions of 1.

    Attributes:
        samples: lines evaluated.
        unreadable: how many of them could not be decoded; they count as wrong.
        out_of_dictionary: lines whose label has characters that the model cannot say; wrong too.
        accuracy: lines read exactly, spaces counted.
        norm_edit_dis: mean of 1 - edit distance / longer length, spaces counted.
        cer: edits over characters of the labels.
        paddleocr: `acc` and `norm_edit_dis` as PaddleOCR computes them (characters outside the
            dictionary are taken out of the label first), spaces counted; and both with the
            suffix `_ignore_space`, PaddleOCR's default.
        by_length: by characters of the label.
        by_width: by width bucket in px.
        worst: the worst lines, worst first, with small pictures.
        watched: position → text of the lines that were asked for.
        errors: first unreadable images, each with its cause.
        outcomes: one byte a line in order, 1 where it was read exactly: for paired tests.
        dataset_digest: SHA-256 over all labels and images; equal digests mean the same lines.
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
    worst: tuple[Line, ...]
    watched: dict[int, str]
    errors: tuple[str, ...]
    outcomes: bytes
    dataset_digest: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON-ready values."""
        values = asdict(self)
        for line in values["worst"]:
            line["image"] = base64.b64encode(line["image"]).decode("ascii")
        packed = np.packbits(np.frombuffer(self.outcomes, np.uint8)).tobytes()
        values["outcomes"] = base64.b64encode(packed).decode("ascii")
        return {"format": FORMAT, **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` returned."""
        kept = {field.name: values[field.name] for field in fields(cls)}
        packed = np.frombuffer(base64.b64decode(kept["outcomes"]), np.uint8)
        kept["outcomes"] = np.unpackbits(packed, count=kept["samples"]).tobytes()
        for name in ("by_length", "by_width"):
            kept[name] = tuple(Slice(**item) for item in kept[name])
        kept["worst"] = tuple(
            Line(**{**item, "image": base64.b64decode(item["image"])}) for item in kept["worst"]
        )
        kept["watched"] = {int(index): text for index, text in kept["watched"].items()}
        kept["errors"] = tuple(kept["errors"])
        return cls(**kept)

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
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']}, {FORMAT} is known")
            return cls.from_dict(values)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                str(path), f"not an evaluation report ({error!r})", "Run `ocr eval` again"
            ) from error
