"""The bundle: an exported model with everything that is needed to use and to trust it.

| file | what |
| --- | --- |
| inference.json, inference.pdiparams, inference.yml | Paddle's inference format |
| model.onnx | the same network, any batch size, any width |
| dictionary.txt | the characters, one entry a line |
| paddle2/ | on request: the same in the names that Paddle 2 reads (inference.pdmodel, …) |
| parity.json | how far the formats differ from the trained network on the same images |
| bundle.json | preprocessing, characters, configuration, digests, metrics, versions; written last |

`bundle.json` names every other file by size and SHA-256, so its own SHA-256 names the bundle.
Reading a bundle needs no Paddle.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ocr_lib.atomic import write_json
from ocr_lib.data.image import Preprocess
from ocr_lib.digest import sha256_file
from ocr_lib.errors import UserError
from ocr_lib.text.dictionary import Charset

FORMAT = 1
KEYS = frozenset({"model_name", "preprocess", "characters", "files"})  # that reading needs
MANIFEST = "bundle.json"
DICTIONARY = "dictionary.txt"
ONNX = "model.onnx"
PARITY = "parity.json"
PADDLE = "inference"  # stem of Paddle's files
PADDLE_PROGRAM = f"{PADDLE}.json"
PADDLE_WEIGHTS = f"{PADDLE}.pdiparams"
PADDLE2 = "paddle2"


class BundleError(UserError):
    """A bundle is incomplete, damaged or not one."""


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Attributes:
        root: its directory.
        info: the content of `bundle.json`.
        preprocess: how an image becomes the network's input.
        dictionary: the characters behind the network's classes.
    """

    root: Path
    info: dict[str, Any]
    preprocess: Preprocess
    dictionary: Charset

    @property
    def model_name(self) -> str:
        """The model's name."""
        return str(self.info["model_name"])

    @property
    def digest(self) -> str:
        """SHA-256 of `bundle.json`, which names all other files by theirs."""
        return sha256_file(self.root / MANIFEST)

    @property
    def decoder(self) -> str:
        """The algorithm: how the network's output becomes text, see `ocr_lib/algorithms`."""
        return str(self.info.get("decoder", "ctc"))

    @property
    def parity(self) -> dict[str, Any]:
        """The certificate: the content of `parity.json`."""
        return dict(json.loads((self.root / PARITY).read_text("utf-8")))

    @classmethod
    def open(cls, root: str | Path, verify: bool = True) -> Self:
        """Opens a bundle.

        Args:
            root: its directory.
            verify: compares size and SHA-256 of every file; False only after a copy that did.

        Raises:
            BundleError: a file is missing or changed, or the directory is no bundle.
        """
        root = Path(root)
        info = _read_manifest(root)
        if verify:
            _verify(root, info["files"])
        characters = info["characters"]
        dictionary = Charset(
            tuple(_lines(root / DICTIONARY)), characters["lower"], characters["right_to_left"]
        )
        if dictionary.digest != characters["digest"]:
            raise _damaged(root / DICTIONARY, "not the characters the network was trained with")
        return cls(root, info, Preprocess.from_dict(info["preprocess"]), dictionary)


def write_manifest(
    root: Path, info: dict[str, Any], preprocess: Preprocess, dictionary: Charset
) -> None:
    """Completes a bundle: writes the dictionary, then `bundle.json` over all files in `root`."""
    dictionary.to_file(root / DICTIONARY)
    files = {
        path.relative_to(root).as_posix(): {
            "size": path.stat().st_size,
            "sha256": sha256_file(path),
        }
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
    characters = {
        "count": len(dictionary.characters),
        "digest": dictionary.digest,
        "lower": dictionary.lower,
        "right_to_left": dictionary.right_to_left,
    }
    described = {"preprocess": preprocess.to_dict(), "characters": characters, "files": files}
    write_json(root / MANIFEST, {"format": FORMAT, **info, **described})


def _read_manifest(root: Path) -> dict[str, Any]:
    path = root / MANIFEST
    try:
        info = dict(json.loads(path.read_text("utf-8")))
        known = info["format"] == FORMAT
        if known and (missing := sorted(KEYS - info.keys())):
            raise KeyError(", ".join(missing))
    except FileNotFoundError:
        raise BundleError(str(root), f"no bundle ({MANIFEST} is missing)", "Export one") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"unreadable ({error})") from error
    if not known:
        raise BundleError(
            str(path), f"format {info['format']}, this version reads {FORMAT}", "Export it again"
        )
    return info


def _verify(root: Path, files: dict[str, dict[str, Any]]) -> None:
    for name, expected in files.items():
        path = root / name
        if not path.resolve().is_relative_to(root.resolve()) or not path.is_file():
            raise _damaged(path, "the file is missing")
        if path.stat().st_size != expected["size"] or sha256_file(path) != expected["sha256"]:
            raise _damaged(path, "not the file that was exported")


def _lines(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")


def _damaged(path: Path, cause: str) -> BundleError:
    return BundleError(str(path), cause, "Copy or export the bundle again")
