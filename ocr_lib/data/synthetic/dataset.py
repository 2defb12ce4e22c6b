"""A whole synthetic data set in ICDAR recognition form, the same for a seed on any number of cores.

Which texts belong to which split is decided by a checksum of the text, so that no line
of the test set was ever trained on, whatever its picture looks like.
"""

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocr_lib import atomic
from ocr_lib.data.synthetic.render import encode_line, render_line
from ocr_lib.data.synthetic.text import sample_text
from ocr_lib.errors import DataError, UserError
from ocr_lib.opencv import use_one_thread
from ocr_lib.progress import Progress
from ocr_lib.regular_file import read_bounded
from ocr_lib.workers import LateWorkerError, results_in_order

SPLITS = ("train", "test")
TEST_SHARE = 8
"""One text in N belongs to the test set."""
CHUNK = 200
CHUNK_TIMEOUT_S = 900.0  # of one chunk, whose images take some seconds
VERSION = 1
"""Rises when the same seed gives other images."""
MANIFEST = "synthetic.json"
FORMER_NAMES = frozenset(("train", "eval", MANIFEST))  # what 0.1 wrote


def generate(
    out_dir: Path, *, train: int, test: int, seed: int, workers: int | None = None
) -> Path:
    """Writes `out_dir/train` and `out_dir/test`, each with `gt.txt` and `word_N.jpg` from 1.

    A line of `gt.txt` reads `word_1.jpg, "TEXT"`; quotes inside the text stand as they are. The
    folder appears whole or not at all; one made before with the same arguments is left as it is.

    Args:
        out_dir: where to write; must not exist, be empty, or hold this very data set.
        train: number of training lines, at least 1.
        test: number of test lines, at least 1.
        seed: any integer from 0; the same seed gives the same bytes, whatever `workers` is.
        workers: processes to use; one a core by default, 1 stays in this process.

    Returns:
        `out_dir`.

    Raises:
        UserError: an argument is out of range, `out_dir` holds something else, or a font package
            is missing.
    """
    counts = {"train": train, "test": test}
    for name, value in {**counts, "seed": seed}.items():
        if value < (0 if name == "seed" else 1):
            raise UserError(f"--{name}", f"{value} is too small", "Give a larger number")
    manifest, former = (
        json.dumps({"version": VERSION, "train": train, name: test, "seed": seed}) + "\n"
        for name in ("test", "eval")
    )
    if _is_there(out_dir, manifest, former):
        return out_dir
    with atomic.atomic_directory(out_dir) as work:
        lines: dict[str, list[str]] = {split: [] for split in counts}
        with Progress(train + test, "drawing", "lines") as progress:
            for split in counts:
                (work / split).mkdir()
            for chunk, drawn in _drawn(_chunks(work, seed, counts), workers):
                lines[chunk.split] += drawn
                progress.add(len(drawn))
        for split in counts:
            text = "".join(lines[split])
            (work / split / "gt.txt").write_text(text, encoding="utf-8", newline="\n")
        (work / MANIFEST).write_text(manifest, encoding="utf-8")
    return out_dir


def draw_sample(seed: int, split: str, index: int) -> tuple[str, bytes]:
    """Draws one line of a data set: its text and its JPEG file. Depends on nothing else."""
    rng = np.random.default_rng((seed, SPLITS.index(split), index))
    text = sample_text(rng)
    while split_of(text) != split:
        text = sample_text(rng)
    return text, encode_line(render_line(text, rng), rng)


def split_of(text: str) -> str:
    """The only split that `text` may appear in, in capitals or small letters."""
    return "test" if zlib.crc32(text.lower().encode()) % TEST_SHARE == 0 else "train"


@dataclass(frozen=True)
class _Chunk:
    """Some lines of a split.

    Attributes:
        folder: where the images go.
        seed: of the data set.
        split: name of the split.
        indices: which lines, from 0.
    """

    folder: Path
    seed: int
    split: str
    indices: range


def _chunks(work: Path, seed: int, counts: Mapping[str, int]) -> Iterator[_Chunk]:
    for split, count in counts.items():
        for start in range(0, count, CHUNK):
            indices = range(start, min(start + CHUNK, count))
            yield _Chunk(work / split, seed, split, indices)


def _draw(chunk: _Chunk) -> list[str]:
    """Writes the images of a chunk; returns their lines of `gt.txt`."""
    lines = []
    for index in chunk.indices:
        text, content = draw_sample(chunk.seed, chunk.split, index)
        name = f"word_{index + 1}.jpg"
        (chunk.folder / name).write_bytes(content)
        lines.append(f'{name}, "{text}"\n')
    return lines


def _is(file: Path, content: bytes) -> bool:
    return file.stat().st_size == len(content) and read_bounded(file, len(content)) == content


def _is_there(out_dir: Path, manifest: str, former: str) -> bool:
    """Tells whether the data set is there; one of 0.1, whose test set is `eval`, is replaced.

    Raises:
        UserError: the folder holds something else, or more than the data set of 0.1.
    """
    if not out_dir.exists() or (out_dir.is_dir() and not any(out_dir.iterdir())):
        return False
    written = out_dir / MANIFEST
    if written.is_file() and _is(written, manifest.encode()):
        return True
    if written.is_file() and _is(written, former.encode()):
        if others := sorted({path.name for path in out_dir.iterdir()} - FORMER_NAMES):
            cause = f"is a data set of 0.1 to be replaced, and also holds {', '.join(others[:5])}"
            raise UserError(str(out_dir), cause, "Move the rest elsewhere, or name a new folder")
        return False
    raise UserError(str(out_dir), "holds something else", "Name a new folder, or remove this one")


def _drawn(chunks: Iterator[_Chunk], workers: int | None) -> Iterator[tuple[_Chunk, list[str]]]:
    """Draws each chunk, in order, in processes where more than one is asked for.

    Raises:
        DataError: a chunk took longer than any storage needs.
    """
    workers = len(os.sched_getaffinity(0)) if workers is None else workers
    if workers <= 1:
        yield from ((chunk, _draw(chunk)) for chunk in chunks)
        return
    try:
        yield from results_in_order(
            _draw, chunks, workers, timeout_s=lambda _: CHUNK_TIMEOUT_S, start=use_one_thread
        )
    except LateWorkerError as error:
        cause = f"its images are not written ({error})"
        raise DataError("the data set", cause, "Look at the storage that it is on") from error
