"""A whole synthetic data set in ICDAR recognition form, the same for a seed on any number of cores.

Which texts belong to which split is decided by a checksum of the text, so that no evaluation line
was ever trained on, whatever its picture looks like.
"""

import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ocr_lib import atomic
from ocr_lib.data.synthetic.render import encode_line, render_line
from ocr_lib.data.synthetic.text import sample_text
from ocr_lib.errors import UserError
from ocr_lib.opencv import use_one_thread
from ocr_lib.progress import Progress
from ocr_lib.regular_file import read_bounded
from ocr_lib.workers import worker_pool

SPLITS = ("train", "eval")
EVAL_SHARE = 8
"""One text in N belongs to the evaluation split."""
CHUNK = 200
VERSION = 1
"""Rises when the same seed gives other images."""
MANIFEST = "synthetic.json"


def generate(
    out_dir: Path, *, train: int, eval: int, seed: int, workers: int | None = None
) -> Path:
    """Writes `out_dir/train` and `out_dir/eval`, each with `gt.txt` and `word_N.jpg` from 1.

    A line of `gt.txt` reads `word_1.jpg, "TEXT"`; quotes inside the text stand as they are. The
    folder appears whole or not at all; one made before with the same arguments is left as it is.

    Args:
        out_dir: where to write; must not exist, be empty, or hold this very data set.
        train: number of training lines, at least 1.
        eval: number of evaluation lines, at least 1.
        seed: any integer from 0; the same seed gives the same bytes, whatever `workers` is.
        workers: processes to use; one a core by default, 1 stays in this process.

    Returns:
        `out_dir`.

    Raises:
        UserError: an argument is out of range, `out_dir` holds something else, or a font package
            is missing.
    """
    counts = {"train": train, "eval": eval}
    for name, value in {**counts, "seed": seed}.items():
        if value < (0 if name == "seed" else 1):
            raise UserError(f"--{name}", f"{value} is too small", "Give a larger number")
    manifest = json.dumps({"version": VERSION, **counts, "seed": seed}) + "\n"
    if _is_there(out_dir, manifest):
        return out_dir
    with atomic.atomic_directory(out_dir) as work, _mapper(workers) as map_chunks:
        with Progress(train + eval, "drawing", "lines") as progress:
            for split, count in counts.items():
                (work / split).mkdir()
                draw = partial(_draw_chunk, work / split, seed, split, count)
                lines: list[str] = []
                for chunk in map_chunks(draw, range(0, count, CHUNK)):
                    lines += chunk
                    progress.add(len(chunk))
                (work / split / "gt.txt").write_text("".join(lines), encoding="utf-8", newline="\n")
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
    return "eval" if zlib.crc32(text.lower().encode()) % EVAL_SHARE == 0 else "train"


def _draw_chunk(folder: Path, seed: int, split: str, count: int, start: int) -> list[str]:
    """Writes images `start` … `start + CHUNK - 1` of a split; returns their lines of `gt.txt`."""
    lines = []
    for index in range(start, min(start + CHUNK, count)):
        text, content = draw_sample(seed, split, index)
        name = f"word_{index + 1}.jpg"
        (folder / name).write_bytes(content)
        lines.append(f'{name}, "{text}"\n')
    return lines


def _is(file: Path, content: bytes) -> bool:
    return file.stat().st_size == len(content) and read_bounded(file, len(content)) == content


def _is_there(out_dir: Path, manifest: str) -> bool:
    if not out_dir.exists() or (out_dir.is_dir() and not any(out_dir.iterdir())):
        return False
    written = out_dir / MANIFEST
    if written.is_file() and _is(written, manifest.encode()):
        return True
    raise UserError(str(out_dir), "holds something else", "Name a new folder, or remove this one")


@contextmanager
def _mapper(workers: int | None) -> Iterator[Any]:
    """A `map` that keeps order, over processes where more than one is asked for."""
    workers = len(os.sched_getaffinity(0)) if workers is None else workers
    if workers <= 1:
        yield map
        return
    with worker_pool(workers, use_one_thread) as pool:
        yield pool.map
