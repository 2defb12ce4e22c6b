"""Where a configuration value was written, so that an error can name it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ocr_lib.errors import ConfigError

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A key of the configuration: its path from the top, and the places of all keys.

    Attributes:
        path: keys and list indexes from the top, e.g. `("Optimizer", "lr", "name")`.
        places: path → `file:line` or `-o …`; a key that was not written has no entry.
    """

    path: Path
    places: Mapping[Path, str]

    def child(self, key: str | int) -> "Spot":
        """Returns the spot of a key inside this one."""
        return Spot((*self.path, key), self.places)

    def error(self, cause: str, fix: str) -> ConfigError:
        """Returns the error that names this spot as `file:line: Optimizer.lr.name`."""
        return ConfigError(str(self), cause, fix)

    def __str__(self) -> str:
        key = ".".join(map(str, self.path))
        place = next(
            (
                self.places[self.path[:n]]
                for n in range(len(self.path), -1, -1)
                if self.path[:n] in self.places
            ),
            "",
        )
        return ": ".join(part for part in (place, key) if part)


class FieldError(ConfigError):
    """A field of a block has a value outside its range; the reader adds file and line."""

    def __init__(self, block: object, field: str, cause: str, fix: str) -> None:
        self.field = field
        super().__init__(f"{type(block).__name__}.{field}", cause, fix)


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns the next step for an unknown name: the nearest known one, else all of them."""
    names = sorted(known)
    lowered = {n.lower(): n for n in names}
    match = get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    if match:
        return f"The nearest known name is {lowered[match[0]]}"
    return f"Known: {', '.join(names)}"
