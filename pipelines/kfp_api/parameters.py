"""The parameters of a run, checked before anything is sent: by the package, and key by key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from ocr_lib.config.location import KeyPath, SourceLocation
from ocr_lib.config.parse import parse_value
from ocr_lib.config.strict_yaml import parse
from ocr_lib.errors import ConfigError
from ocr_lib.nearest import nearest
from ocr_lib.regular_file import open_regular
from ocr_lib.runspec.options import OPTIONS
from ocr_lib.runspec.parameters import RunParameters, parse_parameters
from ocr_lib.terminal import echo

Definitions = Mapping[str, Mapping[str, Any]]
# Former names of parameters, accepted until the next release.
FORMER = {"eval_data_uri": "test_data_uri"}
# Parameters that are keys of `options` now; the next release does not know their names.
MOVED = {
    "train_data_sha256": "options.sha256.train",
    "test_data_sha256": "options.sha256.test",
    "eval_data_sha256": "options.sha256.test",
    "split_options": "options.split",
    "dataset_name": "options.dataset_name",
    "label_format": "options.label_format",
    "max_bad_fraction": "options.max_bad_fraction",
    "pack_max_pods": "options.pack.max_pods",
    "pack_gib_per_pod": "options.pack.gib_per_pod",
    "config_overrides": "options.config_overrides",
    "train_job_options": "options.train_job",
    "evaluate_max_pods": "options.evaluate.max_pods",
    "gate_min_accuracy_fraction": "options.gate.min_accuracy",
    "gate_min_norm_edit_dis": "options.gate.min_norm_edit_dis",
    "gate_min_samples": "options.gate.min_samples",
    "gate_max_accuracy_drop_fraction": "options.gate.max_accuracy_drop",
    "gate_thresholds": "options.gate",
}
MAX_BYTES = 1 << 20

KINDS: dict[str, Any] = {  # IR type → annotation
    "STRING": str,
    "NUMBER_DOUBLE": float,
    "NUMBER_INTEGER": int,
    "BOOLEAN": bool,
    "LIST": tuple[Any, ...],
    "STRUCT": dict[str, Any],
}


@dataclass(frozen=True, slots=True)
class Given:
    """Parameters as they were written.

    Attributes:
        values: by name.
        locations: where each was written, and each key of `options` in a file.
    """

    values: dict[str, Any] = field(default_factory=dict)
    locations: dict[KeyPath, str] = field(default_factory=dict)

    def location(self, *path: str) -> SourceLocation:
        """Returns the location of a parameter."""
        return SourceLocation(path, self.locations)


def read_parameters(
    file: Path | None, arguments: Iterable[str], known: Definitions
) -> dict[str, Any]:
    """Returns the parameters of a file and of `NAME=VALUE` arguments, which win.

    Args:
        file: YAML, a parameter a line.
        arguments: `NAME=VALUE` each, the value in YAML; `options.gate.min_samples=500` sets one key
            of `options`.
        known: the package's own definitions.

    Raises:
        ConfigError: names the place, what is wrong, and the nearest known name.
    """
    given = read_given(file, arguments, known)
    if "train_backend" in given.values and OPTIONS in known:
        parse_parameters({"train_backend": given.values["train_backend"]}, given.location())
    checked = {
        name: _check(name, value, known, given.location(name))
        for name, value in given.values.items()
        if value is not None or name not in known
    }
    for name, definition in known.items():
        if _needed(definition) and name not in checked:
            raise ConfigError(name, "is not given and has no default", "Add it to the parameters")
    if set(known) == {item.name for item in fields(RunParameters)}:
        parse_parameters(checked, given.location())
    return checked


def definitions_of(pipeline: Any) -> Definitions:
    """Returns the parameters of a pipeline that is not compiled, as a package defines them."""
    from google.protobuf.json_format import MessageToDict

    spec = MessageToDict(pipeline.pipeline_spec)
    definitions: Definitions = spec["root"]["inputDefinitions"]["parameters"]
    return definitions


def read_given(file: Path | None, arguments: Iterable[str], known: Iterable[str]) -> Given:
    """Collects parameters; see `read_parameters`.

    Raises:
        ConfigError: the file or an argument cannot be read, or a name is known no more.
    """
    given, known = Given(), set(known)
    if file is not None:
        values, locations = parse(_text(file), str(file))
        if not isinstance(values, dict):
            raise ConfigError(str(file), "holds no `name: value` lines", "Write a parameter a line")
        for name, value in values.items():
            line = locations.get((name,), str(file))
            present = _present_name(str(name), known, line)
            if present in given.values:
                cause = f"{present} is given under two names"
                raise ConfigError(line, cause, "Leave one of them out")
            given.values[present] = value
            given.locations[present,] = line
        given.locations.update(
            {path: line for path, line in locations.items() if path[:1] == (OPTIONS,)}
        )
    for argument in arguments:
        name, equals, text = argument.partition("=")
        option = f"--param {argument}"
        if not equals:
            raise ConfigError(option, "has no =", "Write NAME=VALUE")
        value = parse(text, option)[0]
        if name.startswith(f"{OPTIONS}."):
            _set_option(given, tuple(name.split(".")), value, option)
            continue
        present = _present_name(name, known, option)
        given.values[present] = value
        given.locations[present,] = option
    return given


def _set_option(given: Given, path: tuple[str, ...], value: Any, option: str) -> None:
    """Sets one key of `options`; blocks on the way are made as needed."""
    node: Any = given.values
    for depth, name in enumerate(path[:-1], start=1):
        block = node.get(name) or {}
        if not isinstance(block, dict):
            raise given.location(*path[:depth]).error(f"is {block!r}", "Write a block of keys")
        node[name] = node = dict(block)
    node[path[-1]] = value
    given.locations[path] = option


def _present_name(name: str, known: set[str], where: str) -> str:
    """Returns a parameter's name; says so on standard error where it is a former one.

    Raises:
        ConfigError: it is a key of `options` now.
    """
    if name in known:  # the package may be of that time
        return name
    if name in MOVED and OPTIONS in known:
        place = MOVED[name]
        fix = f"Write it there, or --param {place}=VALUE"
        raise ConfigError(where, f"{name} is {place} now", fix)
    present = FORMER.get(name, name)
    if present == name or present not in known:
        return name
    echo(f"{where}: {name} is now called {present}; the next release knows only that", err=True)
    return present


def _check(name: str, value: Any, known: Definitions, location: SourceLocation) -> Any:
    """Returns a value in the type that the package wants, or refuses it."""
    if name not in known:
        raise location.error(
            "is no parameter of this pipeline", nearest(name, known, "See docs/pipeline.md")
        )
    definition = known[name]
    literals = definition.get("literals")
    kind = Literal[tuple(literals)] if literals else KINDS[definition["parameterType"]]
    checked = parse_value(kind, value, location)
    return list(checked) if isinstance(checked, tuple) else checked


def _needed(definition: Mapping[str, Any]) -> bool:
    return "defaultValue" not in definition and not definition.get("isOptional")


def _text(file: Path) -> str:
    try:
        with open_regular(file) as opened:
            return opened.read(MAX_BYTES + 1).decode("utf-8")
    except OSError as error:
        cause = f"cannot be read ({error.strerror})"
        raise ConfigError(str(file), cause, "Check the path") from None
    except UnicodeDecodeError:
        raise ConfigError(str(file), "is not UTF-8", "Save it as UTF-8") from None
