"""Image files that a command was given, as files or folders."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ocr_lib.data.base import read_file
from ocr_lib.errors import ImageError
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.text.recognition import Recognition

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".jp2", ".gif"})
CHUNK = 64  # images read at a time


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """Returns the files named, and for a folder the images in it by name.

    Raises:
        ImageError: a path does not exist, or a folder holds no image.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            images = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
            if not images:
                raise ImageError(str(path), "no image in this folder", "Name another one")
            files += images
        elif path.exists():
            files.append(path)
        else:
            raise ImageError(str(path), "no such file or folder", "Check the path")
    return files


def read_files(recognizer: Recognizer, files: Iterable[Path]) -> Iterator[tuple[Path, Recognition]]:
    """Yields every file with what was read on it, a chunk at a time, in order."""
    remaining = iter(files)
    while chunk := list(islice(remaining, CHUNK)):
        answers = recognizer.read([read_file(str(path)) for path in chunk])
        yield from zip(chunk, answers, strict=True)
