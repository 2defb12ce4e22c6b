"""No key of a configuration is untested: each is in a table of second values."""

import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import ocr_lib
from ocr_lib.config.parse import ComponentConfig, key_of, keys_of
from ocr_lib.config.schema import Config
from tests.ocr_lib.config import test_keys_have_effect as components
from tests.ocr_lib.config.key_effects import Row
from tests.ocr_lib.data import test_config_keys as data
from tests.ocr_lib.losses import test_config_keys as losses
from tests.ocr_lib.models import test_config_keys as models
from tests.ocr_lib.training import test_config_keys as training

ROWS: list[Row] = [*data.TABLE, *losses.TABLE, *models.TABLE, *training.TABLE]
# Dataclasses whose keys are not those of one object, and why.
NO_OBJECT = {
    Config: "its keys are the blocks",
    ComponentConfig: "its keys are the component's",
}
TESTED = {(row.config or row.part.Config, key) for row in ROWS for key in row.keys}
TESTED |= {(training.GlobalConfig, key) for key in training.ELSEWHERE}
TESTED |= {
    (cls, key_of(item))
    for table, _ in components.KINDS
    for cls in table.values()
    for item in keys_of(cls)
}


def configs() -> Iterator[Any]:
    """Yields each dataclass of the library that a configuration fills."""
    for module in _modules():
        classes = [c for _, c in inspect.getmembers(module, inspect.isclass)]
        for cls in [c for c in classes if c.__module__ == module.__name__]:
            for declared in (cls, cls.__dict__.get("Config")):
                if is_dataclass(declared) and declared.__name__.endswith("Config"):
                    yield declared


def _modules() -> Iterator[ModuleType]:
    for package in ("config", "data", "evaluation", "losses", "models", "optim", "training"):
        root = import_module(f"{ocr_lib.__name__}.{package}")
        for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            yield import_module(found.name)


def test_every_key_has_a_second_value() -> None:
    untested = [
        f"{cls.__module__}:{cls.__qualname__}.{key_of(item)}"
        for cls in configs()
        if cls not in NO_OBJECT
        for item in keys_of(cls)
        if not _tested(cls, key_of(item), item.name)
    ]
    assert not untested, "\n".join(untested)


def test_every_key_of_a_table_is_one() -> None:
    for row in ROWS:
        assert row.keys.keys() <= row.declared, row.config or row.part


def test_the_tables_of_names_are_covered() -> None:
    assert len(list(configs())) > 40


def _tested(cls: Any, key: str, name: str) -> bool:
    """Tells whether a key is tested where it was declared, or in a class that inherits it."""
    owner = next(base for base in cls.__mro__ if name in inspect.get_annotations(base))
    return any(issubclass(config, owner) and key == other for config, other in TESTED)
