"""Reading `loss_config_list`: a list of `{Name: {argument: value}}`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocr_lib.errors import ConfigError
from ocr_lib.models.parts import Table, choose

WHERE = "Loss.loss_config_list"


def named_entries(
    entries: Sequence[Mapping[str, Any]], table: Table
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yields each entry's name, its arguments and its place in the configuration.

    Raises:
        ConfigError: an entry is not one known name with its arguments.
    """
    for i, entry in enumerate(entries):
        where = f"{WHERE}[{i}]"
        if not isinstance(entry, Mapping) or len(entry) != 1:
            raise ConfigError(where, "it is not one name with arguments", "Write - CTCLoss:")
        ((name, arguments),) = entry.items()
        choose(name, table, where)
        yield name, dict(arguments or {}), f"{where}.{name}"
