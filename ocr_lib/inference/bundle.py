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

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ocr_lib.algorithms import algorithm_named
from ocr_lib.atomic import write_json
from ocr_lib.data.image import Preprocess
from ocr_lib.digest import sha256_file
from ocr_lib.errors import ConfigError
from ocr_lib.inference.bundle_schema import (
    DICTIONARY,
    FORMAT,
    MANIFEST,
    ONNX,
    BundleError,
    charset_of,
    check_unlisted,
    damaged,
    preprocess_of,
    read_json,
    read_manifest,
)
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.tokenizer import Decode

__all__ = ["DICTIONARY", "MANIFEST", "ONNX", "Bundle", "BundleError", "write_manifest"]

PARITY = "parity.json"
PADDLE = "inference"  # stem of Paddle's files
PADDLE_PROGRAM = f"{PADDLE}.json"
PADDLE_WEIGHTS = f"{PADDLE}.pdiparams"
PADDLE2 = "paddle2"


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
    def decode(self) -> Decode:
        """Probabilities to texts, as the algorithm does it."""
        return algorithm_named(self.decoder, str(self.root / MANIFEST)).tokenizer.decode

    @property
    def parity(self) -> dict[str, Any]:
        """The certificate: the content of `parity.json`.

        Raises:
            BundleError: it is missing or none.
        """
        path = self.root / PARITY
        certificate = read_json(path)
        if not isinstance(certificate, dict):
            raise damaged(path, "not a certificate")
        return certificate

    @classmethod
    def open(cls, root: str | Path, verify: bool = True) -> Self:
        """Opens a bundle.

        Args:
            root: its directory.
            verify: compares size and SHA-256 of every file, and refuses files that `bundle.json`
                does not name; False only after a copy that did, or for some of the files.

        Raises:
            BundleError: a file is missing, changed or not named, or the directory is no bundle;
                names the file, and the key of `bundle.json`.
        """
        root = Path(root)
        info = read_manifest(root)
        if verify:
            check_unlisted(root, info["files"])
        if verify:
            _verify(root, info["files"], info["files"])
        opened = cls(root, info, preprocess_of(root, info), charset_of(root, info))
        try:
            algorithm_named(opened.decoder, "decoder")
        except ConfigError as error:
            raise BundleError(f"{root / MANIFEST}: decoder", error.cause, error.fix) from None
        return opened

    def check_files(self, *names: str) -> None:
        """Compares size and SHA-256 of these files of a bundle that was opened unverified.

        Raises:
            BundleError: one is missing or changed.
        """
        _verify(self.root, self.info["files"], names)


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


def _verify(root: Path, listed: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        path, expected = root / name, listed[name]
        if not path.resolve().is_relative_to(root.resolve()) or not path.is_file():
            raise damaged(path, "the file is missing")
        if path.stat().st_size != expected["size"] or sha256_file(path) != expected["sha256"]:
            raise damaged(path, "not the file that was exported")
