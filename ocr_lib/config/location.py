"""Where a configuration value was written, so that an error can name it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ocr_lib.errors import ConfigError, UserError

KeyPath = tuple[str | int, ...]  # keys and list indexes from the top: ("Optimizer", "lr", "name")
Locations = Mapping[KeyPath, str]  # key path → `file:line`, or `-o`

MAX_CAUSE = 500  # characters


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A key of the configuration and where it was written.

    Attributes:
        path: of the key.
        locations: where keys were written; a key without a location has its parent's.
    """

    path: KeyPath
    locations: Locations

    def child(self, *keys: str | int) -> "SourceLocation":
        """Returns the location of a key inside this one, or of one further down."""
        return SourceLocation((*self.path, *keys), self.locations)

    def error(self, cause: str, fix: str) -> "LocatedError":
        """Returns the error that names this key as `file:line: Optimizer.lr.name`.

        A cause that shows a long value is cut.
        """
        shown = cause if len(cause) <= MAX_CAUSE else f"{cause[:MAX_CAUSE]}…"
        return LocatedError(str(self), shown, fix, self.path)

    def __str__(self) -> str:
        key = ".".join(map(str, self.path))
        paths = (self.path[:n] for n in range(len(self.path), -1, -1))
        line = next((self.locations[path] for path in paths if path in self.locations), "")
        return ": ".join(part for part in (line, key) if part)


class LocatedError(ConfigError):
    """A configuration error that knows the path of its key.

    Attributes:
        path: keys and list indexes.
    """

    def __init__(self, where: str, cause: str, fix: str, path: KeyPath = ()) -> None:
        self.path = path
        super().__init__(where, cause, fix)


class FieldError(LocatedError):
    """A field of a block has a value out of its range; the parser adds file and line.

    Attributes:
        path: the field and, in it, keys: `("lr", "name")`.
    """

    def __init__(self, block: object, field: str | KeyPath, cause: str, fix: str) -> None:
        path = (field,) if isinstance(field, str) else field
        where = ".".join([type(block).__name__, *map(str, path)])
        super().__init__(where, cause, fix, path)

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, str]]:
        """Lets the error travel from a worker process."""
        return ConfigError, (self.where, self.cause, self.fix)
