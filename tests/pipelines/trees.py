"""A document of a package, as it is read."""

from typing import Any

Tree = dict[str, Any]
