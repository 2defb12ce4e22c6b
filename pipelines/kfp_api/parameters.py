"""The parameters of a run, checked against the package before a run can waste anybody's time."""

from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from ocr_lib.config.strict_yaml import parse
from ocr_lib.errors import ConfigError
from ocr_lib.nearest import nearest
from ocr_lib.terminal import echo

Definitions = Mapping[str, Mapping[str, Any]]
# Former names of parameters, accepted until the next release.
FORMER = {"eval_data_uri": "test_data_uri", "eval_data_sha256": "test_data_sha256"}
MAX_BYTES = 1 << 20

# IR type → what it is in YAML, and the Python types that are accepted.
TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "STRING": ("a text", (str,)),
    "NUMBER_DOUBLE": ("a number", (int, float)),
    "NUMBER_INTEGER": ("a whole number", (int,)),
    "BOOLEAN": ("true or false", (bool,)),
    "LIST": ("a list, as [a, b]", (list,)),
    "STRUCT": ("a mapping", (dict,)),
}


def read_parameters(file: Path | None, given: Iterable[str], known: Definitions) -> dict[str, Any]:
    """Returns the parameters of a file and of `NAME=VALUE` arguments, which win.

    Args:
        file: YAML, a parameter a line.
        given: `NAME=VALUE` each, the value in YAML.
        known: the package's own definitions.

    Raises:
        ConfigError: names the place, what is wrong, and the nearest known name.
    """
    parameters: dict[str, Any] = {}
    if file is not None:
        values, locations = parse(_text(file), str(file))
        if not isinstance(values, dict):
            raise ConfigError(str(file), "holds no `name: value` lines", "Write a parameter a line")
        for name, value in values.items():
            place = locations.get((name,), str(file))
            now = present_name(name, known, place)
            if now in parameters:
                raise ConfigError(place, f"{now} is given under two names", "Leave one of them out")
            parameters[now] = check(now, value, known, place)
    for argument in given:
        name, equals, text = argument.partition("=")
        if not equals:
            raise ConfigError(f"--param {argument}", "has no =", "Write NAME=VALUE")
        place = f"--param {argument}"
        name = present_name(name, known, place)
        parameters[name] = check(name, parse(text, place)[0], known, place)
    missing = [name for name, definition in known.items() if _needed(definition)]
    if absent := [name for name in missing if name not in parameters]:
        raise ConfigError(absent[0], "is not given and has no default", "Add it to the parameters")
    return parameters


def present_name(name: str, known: Container[str], place: str) -> str:
    """Returns a parameter's name; says so on standard error where it is a former one."""
    now = FORMER.get(name, name)
    if now == name or name in known or now not in known:  # the package may be of that time
        return name
    echo(f"{place}: {name} is now called {now}; the next release knows only that", err=True)
    return now


def check(name: str, value: Any, known: Definitions, place: str) -> Any:
    """Returns a value in the type that the package wants, or refuses it."""
    if name not in known:
        cause = f"{name} is no parameter of this pipeline"
        raise ConfigError(place, cause, nearest(name, known, "See docs/pipeline.md"))
    definition = known[name]
    words, types = TYPES[definition["parameterType"]]
    if value is None and str in types:
        value = ""  # `name:` with nothing behind it
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        cause = f"{name} is {value!r}, not {words}"
        raise ConfigError(place, cause, f"The default is {definition.get('defaultValue')!r}")
    if float in types and isinstance(value, int):
        value = float(value)
    allowed = definition.get("literals")
    if allowed and value not in allowed:
        fix = nearest(str(value), map(str, allowed))
        raise ConfigError(place, f"{name} cannot be {value!r}", fix)
    return value


def _needed(definition: Mapping[str, Any]) -> bool:
    return "defaultValue" not in definition and not definition.get("isOptional")


def _text(file: Path) -> str:
    try:
        return file.read_bytes()[: MAX_BYTES + 1].decode("utf-8")
    except OSError as error:
        cause = f"cannot be read ({error.strerror})"
        raise ConfigError(str(file), cause, "Check the path") from None
    except UnicodeDecodeError:
        raise ConfigError(str(file), "is not UTF-8", "Save it as UTF-8") from None
