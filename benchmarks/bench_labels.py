"""Converting ICDAR labels, with every check and the report, beside PaddleOCR's own script.

The script is the one in PaddleOCR's wheel. The bound is a bare loop that is right about labels and
checks nothing.
"""

import importlib.metadata
import importlib.util
import random
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.line_images import WORDS
from benchmarks.measure import interleaved, row
from ocr_lib.data.labels.convert import convert

IMAGES = 2_000
PEER_S, GOAL_S = 1.27e-6, 1.0e-6  # what the goal was set from


def run(quick: bool) -> list[dict[str, Any]]:
    lines, rounds = (200_000, 3) if quick else (1_000_000, 7)
    script = _script()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = _write_labels(folder, lines)
        tasks = {
            "ours": lambda: convert(source, folder / "out"),
            "peer": lambda: script.gen_rec_label(str(source), str(folder / "peer.txt")),
            "bound": lambda: _bare_loop(source, folder / "loop.txt"),
        }
        seconds = interleaved(tasks, lines, rounds)
    return [row("labels beside PaddleOCR's script, a line", seconds, GOAL_S / PEER_S)]


def _script() -> ModuleType:
    wheel = importlib.metadata.distribution("paddleocr")
    path = str(wheel.locate_file("paddleocr/ppocr/utils/gen_label.py"))
    spec = importlib.util.spec_from_file_location("gen_label", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _bare_loop(source: Path, out: Path) -> None:
    with open(source, encoding="utf-8-sig") as lines, open(out, "w", encoding="utf-8") as file:
        for line in lines:
            image, _, label = line.rstrip("\n").partition(", ")
            file.write(f"{image}\t{label[1:-1]}\n")


def _write_labels(folder: Path, lines: int) -> Path:
    """Writes `gt.txt` with a BOM, a comma in 2 % of the labels, quotes in 0.2 %, and its images."""
    rng = random.Random(5)
    for i in range(IMAGES):
        (folder / f"word_{i}.jpg").touch()
    with open(folder / "gt.txt", "w", encoding="utf-8-sig") as file:
        for i in range(lines):
            words = rng.choices(WORDS, k=rng.randint(1, 5))
            if rng.random() < 0.02:
                words[0] += ","
            if rng.random() < 0.002:
                words[-1] += '"'
            file.write(f'word_{i % IMAGES}.jpg, "{" ".join(words)}"\n')
    return folder / "gt.txt"
