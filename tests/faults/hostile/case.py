"""One hostile input: what it is, what is done with it, and which ends are right."""

import copy
import hashlib
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr_lib.errors import OcrError
from tests.faults.cases import random_for

MAX_MESSAGE = 4000  # characters
Content = Callable[[], bytes]


@dataclass(frozen=True)
class Hostile:
    """An input and its right ends.

    Attributes:
        content: returns it.
        use: gives it to the library, with an empty folder to work in.
        error: the class of its refusal.
        names: a text that the refusal names: the file, the line or the key.
        right: tells whether a result is right; None where only a refusal is.
    """

    content: Content
    use: Callable[[bytes, Path], Any]
    error: type[OcrError]
    names: str
    right: Callable[[Any], bool] | None = None


@dataclass(frozen=True)
class End:
    """How a case ended: `wrong` is empty where it is right; `input` is the input's digest."""

    wrong: str
    input: str
    refused: bool


def run(case: Hostile, folder: Path) -> End:
    """Runs one case in this process."""
    content = case.content()
    digest = hashlib.sha256(content).hexdigest()
    try:
        value = case.use(content, folder)
    except case.error as error:
        return End(_wrong_refusal(case, error), digest, True)
    except Exception as error:
        wrong = f"{type(error).__name__} instead of {case.error.__name__}: {str(error)[:300]}"
        return End(wrong, digest, True)
    if case.right is None:
        return End(f"accepted: {str(value)[:200]}", digest, False)
    return End("" if case.right(value) else f"wrong result: {str(value)[:200]}", digest, False)


def _wrong_refusal(case: Hostile, error: OcrError) -> str:
    text = str(error)
    if case.names not in text:
        return f"the message does not name {case.names}: {text[:300]}"
    if "\n" in text or "\0" in text or len(text) > MAX_MESSAGE:
        return f"a message of {len(text)} characters, or with line ends: {text[:300]!r}"
    return ""


def cut(content: bytes, parts: int) -> Iterator[tuple[str, bytes]]:
    """Yields beginnings of a file, evenly."""
    for part in range(parts):
        end = len(content) * part // parts
        yield f"cut-{end}", content[:end]


def flipped(content: bytes, name: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Yields copies with some bits or bytes changed, drawn by the seed."""
    for number in range(count):
        rng = random_for(f"{name} {number}")
        yield f"flip-{number}", damaged(content, rng)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Returns the content with one to eight places changed."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        place = rng.randrange(len(changed))
        if rng.random() < 0.5:
            changed[place] ^= 1 << rng.randrange(8)
        else:
            changed[place] = rng.randrange(256)
    return bytes(changed)


def constant(content: bytes) -> Content:
    return lambda: content


# Values that no key expects, as JSON and YAML can hold them.
ODD_VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "negative": -1,
    "zero": 0,
    "huge": 10**30,
    "fraction": 0.5,
    "text": "nonsense",
    "empty": "",
    "list": [],
    "mapping": {},
    "path": "../../etc/passwd",
    "nested": [[[[[]]]]],
    "control": "a\x00b\x1b[31m",
}


def odd_copies(
    value: Any, paths: Iterable[tuple[Any, ...]], label: str, kinds: int, *, missing: bool = False
) -> Iterator[tuple[str, Any]]:
    """Yields `path-kind` and a copy of nested values with an odd one at the path.

    Args:
        value: the values.
        paths: where, as `leaves` returns them.
        label: what the random kinds of a path are drawn for, together with the path.
        kinds: number of kinds at each path.
        missing: whether the value is left out once, too.
    """
    for path in paths:
        name = ".".join(map(str, path))
        drawn = random_for(f"{label} {name}").sample(sorted(ODD_VALUES), kinds)
        for kind in (*(["missing"] if missing else []), *drawn):
            changed = copy.deepcopy(value)
            place = changed
            for key in path[:-1]:
                place = place[key]
            if kind == "missing":
                del place[path[-1]]
            else:
                place[path[-1]] = ODD_VALUES[kind]
            yield f"{name}-{kind}", changed


def leaves(value: Any, path: tuple[Any, ...] = (), most: int = 40) -> list[tuple[Any, ...]]:
    """Returns the paths of keys in nested JSON, those of long tables only at their begin."""
    found: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        for key in list(value)[:25]:
            found += [(*path, key), *leaves(value[key], (*path, key))]
    elif isinstance(value, list):
        for i in range(min(len(value), 2)):
            found += leaves(value[i], (*path, i))
    return found[:most] if not path else found
