"""Lines a second and waiting times of a served bundle, for several settings of its two models.

`python -m benchmarks.sweep_serving BUNDLE IMAGES… [--seconds 3] [--rounds 3]`

Every setting is loaded into one real Triton and asked in three ways: one client with a line at a
time, eight such clients, and two clients with 16 lines a request. The clients run on the same
cores. Settings take turns over the rounds, and the best round counts, so that what else the
machine does matters less. Writes `build/serving_sweep.json`.
"""

import argparse
import tempfile
import threading
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from ocr_lib.atomic import write_json
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.model_repository import ModelVersion, build_model_version
from ocr_lib.serving.triton_server import TritonServer
from pipelines.cli.model.image_files import find_images

WAYS = {"1 x 1": (1, 1), "8 x 1": (8, 1), "2 x 16": (2, 16)}  # clients x lines of a request


@dataclass(frozen=True)
class Setting:
    """Instances of the text model and of the network, and how long requests wait for company."""

    text: int
    core: int
    delay_us: int = 0

    def __str__(self) -> str:
        return f"text {self.text}, core {self.core}, delay {self.delay_us} us"

    def applied(self, built: ModelVersion) -> ModelVersion:
        text, core = built.configs[built.name], built.configs[built.core]
        batching = {**core["dynamic_batching"], "max_queue_delay_microseconds": self.delay_us}
        groups = [
            [{**c["instance_group"][0], "count": n}]
            for c, n in ((text, self.text), (core, self.core))
        ]
        configs = {
            built.core: {**core, "instance_group": groups[1], "dynamic_batching": batching},
            built.name: {**text, "instance_group": groups[0]},
        }
        return ModelVersion(built.name, built.version, configs, built.files)


SETTINGS = (
    Setting(1, 1),
    Setting(2, 1),
    Setting(1, 2),
    Setting(2, 2),
    Setting(3, 2),
    Setting(2, 3),
    Setting(2, 2, 1000),
    Setting(2, 2, 5000),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure settings of the served models.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("images", nargs="+")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/serving_sweep.json"))
    args = parser.parse_args()
    images = [path.read_bytes() for path in find_images(args.images)]
    built = build_model_version(args.bundle, "swept", 1, every_width=True)
    best: dict[str, dict[str, dict[str, float]]] = {str(s): {} for s in SETTINGS}
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "models"
        repository.mkdir()
        with TritonServer(str(repository), log=Path(folder) / "log") as server:
            for number in range(args.rounds):
                for setting in SETTINGS:
                    _load(server.url, setting.applied(built))
                    for way, shape in WAYS.items():
                        found = _measure(server.url, images, *shape, args.seconds)
                        known = best[str(setting)].get(way)
                        if known is None or found["lines_s"] > known["lines_s"]:
                            best[str(setting)][way] = found
                    print(f"round {number + 1}: {setting}", flush=True)
    write_json(args.out, {"bundle": built.name, "images": len(images), "settings": best})
    print(_table(best))


def _load(url: str, built: ModelVersion) -> None:
    with TritonAdmin(url) as admin:
        for name in (built.name, built.core):
            admin.unload(name)
        for name in (built.core, built.name):
            files = {f"1/{file}": content for file, content in built.files[name].items()}
            admin.load(name, built.configs[name], files)
        admin.wait_ready(built.name, 1)


def _measure(
    url: str, images: list[bytes], clients: int, lines: int, seconds: float
) -> dict[str, float]:
    waits: list[float] = []
    ends = time.monotonic() + seconds

    def ask(first: int) -> None:
        turn = cycle(images[first:] + images[:first])
        with RecognitionClient(url, "swept") as recognizer:
            while time.monotonic() < ends:
                batch = [next(turn) for _ in range(lines)]
                started = time.monotonic()
                recognizer.read_many(batch)
                waits.append(time.monotonic() - started)

    step = max(len(images) // clients, 1)
    threads = [threading.Thread(target=ask, args=(n * step,)) for n in range(clients)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.monotonic() - started
    waits.sort()
    return {
        "lines_s": round(len(waits) * lines / taken, 1),
        "p50_ms": round(1000 * waits[len(waits) // 2], 1),
        "p99_ms": round(1000 * waits[len(waits) * 99 // 100], 1),
    }


def _table(best: dict[str, dict[str, Any]]) -> str:
    rows = ["lines/s (p50, p99 ms)".ljust(34) + "".join(way.ljust(26) for way in WAYS)]
    for setting, ways in best.items():
        cells = [
            f"{w['lines_s']:.0f} ({w['p50_ms']:.0f}, {w['p99_ms']:.0f})" for w in ways.values()
        ]
        rows.append(setting.ljust(34) + "".join(cell.ljust(26) for cell in cells))
    return "\n".join(rows)


if __name__ == "__main__":
    main()
