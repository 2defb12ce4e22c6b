"""Where a configuration value was written, so that an error can name it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ocr_lib.errors import ConfigError, UserError

Path = tuple[str | int, ...]
Places = Mapping[Path, str]  # path of a key → `file:line`, or `-o`

FEW = 20  # known names listed in an error when none is near


@dataclass(frozen=True, slots=True)
class Spot:
    """A key of the configuration.

    Attributes:
        path: keys and list indexes from the top, e.g. `("Optimizer", "lr", "name")`.
        places: where keys were written; a key without a place has its parent's.
    """

    path: Path
    places: Places

    def child(self, *keys: str | int) -> "Spot":
        """Returns the spot of a key inside this one, or of one further down."""
        return Spot((*self.path, *keys), self.places)

    def error(self, cause: str, fix: str) -> "LocatedError":
        """Returns the error that names this spot as `file:line: Optimizer.lr.name`."""
        return LocatedError(str(self), cause, fix, self.path)

    def __str__(self) -> str:
        key = ".".join(map(str, self.path))
        paths = (self.path[:n] for n in range(len(self.path), -1, -1))
        place = next((self.places[path] for path in paths if path in self.places), "")
        return ": ".join(part for part in (place, key) if part)


class LocatedError(ConfigError):
    """A configuration error that knows the path of its key.

    Attributes:
        path: keys and list indexes.
    """

    def __init__(self, where: str, cause: str, fix: str, path: Path = ()) -> None:
        self.path = path
        super().__init__(where, cause, fix)


class FieldError(LocatedError):
    """A field of a block has a value out of its range; the parser adds file and line.

    Attributes:
        path: the field and, in it, keys: `("lr", "name")`.
    """

    def __init__(self, block: object, field: str | Path, cause: str, fix: str) -> None:
        path = (field,) if isinstance(field, str) else field
        where = ".".join([type(block).__name__, *map(str, path)])
        super().__init__(where, cause, fix, path)

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, str]]:
        """Lets the error travel from a worker process."""
        return ConfigError, (self.where, self.cause, self.fix)


def nearest(name: str, known: Iterable[str], otherwise: str = "See docs/configuration.md") -> str:
    """Returns the next step for an unknown name: the nearest known one, or all if few.

    Args:
        name: what was written.
        known: the names there are.
        otherwise: the next step when there are many and none is near.
    """
    by_lower = {k.lower(): k for k in sorted(known)}
    match = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    if match:
        return f"The nearest known name is {by_lower[match[0]]}"
    if not by_lower:
        return "Leave it out"
    if len(by_lower) <= FEW:
        return f"Known: {', '.join(by_lower.values())}"
    return otherwise
