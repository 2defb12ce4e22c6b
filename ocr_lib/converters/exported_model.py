"""A foreign model read: its weighted operations, its characters, and a way to run it."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocr_lib.config.strict_yaml import parse
from ocr_lib.converters.onnx_graph import read_file, read_onnx
from ocr_lib.converters.source import ModelSource
from ocr_lib.converters.weighted_ops import WeightedOp
from ocr_lib.errors import ConfigError, ExportError, ImportModelError
from ocr_lib.export.paddle_program import describe, unknown_operators
from ocr_lib.export.paddle_runtime import paddle_forward
from ocr_lib.inference.recognizer import Forward
from ocr_lib.inference.runtimes import onnx_forward
from ocr_lib.regular_file import read_bounded
from ocr_lib.text.dictionary import Charset, load_dictionary, with_direction

METADATA_KEY = "character"  # where RapidOCR's and this project's ONNX files have them
OPSET = 17
MAX_YAML_BYTES = 4 << 20  # 18,000 characters take some 150 KB


@dataclass(frozen=True)
class ExportedModel:
    """A foreign recogniser.

    Attributes:
        source: where it lies.
        steps: its weighted operations in order.
        dictionary: its characters; `num_classes` are those of its last layer.
    """

    source: ModelSource
    steps: list[WeightedOp]
    dictionary: Charset

    @property
    def channels(self) -> int:
        """Channels of its images."""
        return int(self.steps[0].arrays["weight"].shape[1])

    def forward(self, optimised: bool = False) -> Forward:
        """Returns what runs it: ONNX Runtime, or Paddle's inference engine.

        Args:
            optimised: fused and reordered by its optimiser, instead of operator by operator: on
                lines that a network is unsure of, the order of rounding alone changes a
                probability by up to 2e-4.
        """
        path = self.source.path
        if self.source.is_paddle:
            return paddle_forward(path.parent, program=path.name, optimised=optimised)
        return onnx_forward(path, optimised=optimised)


def read_exported_model(source: ModelSource, dictionary_path: str | None = None) -> ExportedModel:
    """Reads a model's weights and characters.

    Args:
        source: where it lies.
        dictionary_path: the characters, where the model does not say them or not these.

    Raises:
        ImportModelError: it is no recogniser, or its characters are not known.
    """
    characters: Sequence[str] | None
    if source.is_paddle:
        steps, _ = read_onnx(_as_onnx(source), source.name)
        characters = _characters_of_yaml(source.description)
    else:
        steps, metadata = read_onnx(read_file(source.path), source.name)
        text = metadata.get(METADATA_KEY, "")
        characters = text.removesuffix("\n").split("\n") if text else None
    if not steps or steps[0].kind != "convolution" or steps[-1].kind != "linear":
        ends = f"{steps[0].kind} and {steps[-1].kind}" if steps else "nothing"
        raise ImportModelError(
            source.name,
            f"no text recogniser: it begins and ends with {ends}, not with a convolution and "
            f"the linear layer of CTC's classes",
            "Import a recogniser of PP-OCRv3 to v6, not a detector or a classifier",
        )
    if dictionary_path is not None:
        characters = load_dictionary(dictionary_path, where="--dictionary").characters
    classes = int(steps[-1].arrays["weight"].shape[1])
    return ExportedModel(source, steps, _dictionary(source, characters, classes))


def _dictionary(source: ModelSource, characters: Sequence[str] | None, classes: int) -> Charset:
    """The characters of a model; RapidOCR and PaddleX leave out the space that stands last."""
    if characters is None:
        raise ImportModelError(
            source.name,
            "the model does not say its characters",
            "Name them with --dictionary, e.g. ppocr_keys_v1, en or a file",
        )
    if len(characters) + 2 == classes:
        characters = [*characters, " "]
    if len(characters) + 1 != classes:
        raise ImportModelError(
            source.name,
            f"{len(characters)} characters, a blank and perhaps a space are not the {classes} "
            f"classes of its last layer",
            "Name the dictionary that it was trained with: --dictionary",
        )
    return with_direction(tuple(characters))


def _characters_of_yaml(path: Path) -> list[str] | None:
    """Returns the characters that Paddle's `inference.yml` lists; None where it says nothing."""
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_YAML_BYTES:
        raise ImportModelError(str(path), "too large for a description", "Check the file")
    try:
        described, _ = parse(read_bounded(path, MAX_YAML_BYTES).decode(), path.name)
        characters = described["PostProcess"]["character_dict"]
        return ["~" if c is None else str(c) for c in characters]  # YAML's null
    except (ConfigError, KeyError, TypeError, UnicodeDecodeError):
        return None


def _as_onnx(source: ModelSource) -> bytes:
    """Converts Paddle's format, only to read the weights in order; the result is not run.

    Works on copies, since the converter writes beside what it reads.

    Raises:
        ImportModelError: it is no program, or has operators that no recogniser has.
    """
    _refuse_unknown(source)
    import paddle2onnx  # here, because it looks for a compiler when it is imported

    from ocr_lib.native_output import captured

    with tempfile.TemporaryDirectory() as work:
        program, weights = (Path(shutil.copy(p, work)) for p in (source.path, source.weights))
        try:
            with captured(f"reading {source.name}"):
                return bytes(
                    paddle2onnx.export(
                        str(program), str(weights), opset_version=OPSET, optimize_tool="none"
                    )
                )
        except ExportError as error:
            cause = f"Paddle2ONNX cannot read it: {error}"
            fix = "Give a recogniser that PaddleOCR or this project exported"
            raise ImportModelError(source.name, cause, fix) from error


def _refuse_unknown(source: ModelSource) -> None:
    """Refuses operators that may do more than compute; the converter would abort the process."""
    try:
        unknown = unknown_operators(source.path)
    except ValueError as error:
        cause = f"no program of Paddle ({error})"
        raise ImportModelError(source.name, cause, "Check the file") from None
    if unknown:
        cause = f"it has operators that no text recogniser has: {describe(unknown)}"
        fix = "Give a recogniser that PaddleOCR or this project exported, or its ONNX file"
        raise ImportModelError(source.name, cause, fix)
