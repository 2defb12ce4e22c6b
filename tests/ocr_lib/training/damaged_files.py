"""Loads damaged variants of a checkpoint's file, in a process with little memory.

python -m tests.ocr_lib.training.damaged_files FOLDER              every file in it as it is
python -m tests.ocr_lib.training.damaged_files FOLDER SEED COUNT   this many variants of each

Prints how often which outcome was seen, as JSON. A signal or any other error ends it.
"""

import json
import random
import re
import resource
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from ocr_lib.errors import CheckpointError
from ocr_lib.training import safe_pickle

ROOM = 256 << 20  # bytes of address space beyond what imports took


def limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    size = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def outcome(path: Path) -> str:
    """Loads a file and touches every value of it."""
    try:
        value = safe_pickle.load(path)
    except CheckpointError as error:
        return "refused" if path.name in str(error) else f"refused without its name: {error}"
    touch(value)
    return "loaded"


def touch(value: object) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            assert type(key) in (str, int, float, bool, bytes, type(None))
            touch(item)
    elif isinstance(value, list | tuple | set):
        for item in value:
            touch(item)
    elif isinstance(value, np.ndarray | np.generic):
        assert value.dtype.kind in "biuf"
        value.tobytes()
        np.asarray(value).astype(np.float64)
    else:
        assert type(value) in (str, int, float, bool, bytes, type(None)), type(value)


def damage(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    kind = rng.choice(["flip", "byte", "cut", "swap"])
    damaged = bytearray(content)
    if kind == "cut":
        return kind, content[: rng.randrange(len(content))]
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        place = rng.randrange(len(content))
        if kind == "flip":
            damaged[place] ^= 1 << rng.randrange(8)
        elif kind == "byte":
            damaged[place] = rng.randrange(256)
        else:
            other = rng.randrange(len(content))
            damaged[place], damaged[other] = damaged[other], damaged[place]
    return kind, bytes(damaged)


def _peak_kib() -> int:
    """Returns the peak memory of this process alone; getrusage begins with its parent's."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    assert peak
    return int(peak[1])


def main(folder: Path, seed: int = 0, count: int = 0) -> None:
    limit_memory()
    before = _peak_kib()
    seen: Counter[str] = Counter()
    for path in sorted(folder.iterdir()):
        if not count:
            seen[f"{path.name} {outcome(path)}"] += 1
        rng, content, target = random.Random(seed), path.read_bytes(), folder / "damaged"
        for _ in range(count):
            kind, damaged = damage(content, rng)
            target.write_bytes(damaged)
            seen[f"{path.name} {kind} {outcome(target)}"] += 1
    grown = _peak_kib() - before
    print(json.dumps({"outcomes": seen, "grown_mib": grown >> 10}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
