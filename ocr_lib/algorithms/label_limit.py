"""How long a label may be: the one rule for configurations, preflight and training."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ocr_lib.algorithms.algorithm import LengthLimit, RecognitionAlgorithm
from ocr_lib.algorithms.choice import algorithm_of, head_name, head_names, networks_of
from ocr_lib.algorithms.records import BY_HEAD
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError


@dataclass(frozen=True)
class LabelLimit:
    """The longest label that every head of a configuration can be taught.

    Attributes:
        max_text_length: Global's.
        marks: positions of it that a head's start and end take.
        head_keys: keys of heads that must not be less than `max_text_length`.
    """

    max_text_length: int
    marks: int
    head_keys: tuple[str, ...] = ()

    @property
    def characters(self) -> int:
        """Characters of the longest label."""
        return self.max_text_length - self.marks

    def fix(self, characters: int) -> str:
        """Returns what to write so that labels of this length, in characters, can be taught."""
        keys = " and ".join(["Global.max_text_length", *self.head_keys])
        why = f" ({self.marks} more than the label, for its start and end)" if self.marks else ""
        return f"Set {keys} to {characters + self.marks}{why}"

    def describe(self) -> str:
        """Returns the limit in words."""
        less = f", {self.marks} of which are the label's start and end" if self.marks else ""
        return (
            f"up to {self.characters} characters: Global.max_text_length is "
            f"{self.max_text_length}{less}"
        )


def label_limit(config: Config) -> LabelLimit:
    """Returns how long a label may be.

    Raises:
        ConfigError: a head writes fewer characters than Global.max_text_length, or no label is
            short enough.
    """
    length = config.global_.max_text_length
    marks = marks_of(taught_algorithms(config))
    keys = []
    for key, limit, value in _head_limits(config):
        if value < length or (limit.exact and value != length):
            cause = f"is {value}, and Global.max_text_length {length}"
            fix = f"Write {length} there"
            if marks:
                fix += f", or in both the characters of the longest label and {marks} more"
            raise ConfigError(key, cause, fix)
        keys.append(key)
    if length <= marks:
        cause = f"is {length}, of which a label's start and end take {marks}"
        fix = f"Write the characters of the longest label and {marks} more"
        raise ConfigError("Global.max_text_length", cause, fix)
    return LabelLimit(length, marks, tuple(keys))


def marks_of(algorithms: Iterable[RecognitionAlgorithm]) -> int:
    """Returns how many positions of a label its start and end take, for all of some heads."""
    return max(algorithm.tokenizer.marks for algorithm in algorithms)


def taught_algorithms(config: Config) -> set[RecognitionAlgorithm]:
    """Returns the algorithms of all heads that learn from labels.

    Raises:
        ConfigError: the head that reads needs another post-processing.
    """
    heads = [name for n in networks_of(config.architecture).values() for name in head_names(n)]
    return {algorithm_of(config), *(BY_HEAD[name] for name in heads if name in BY_HEAD)}


def _head_limits(config: Config) -> Iterator[tuple[str, LengthLimit, int]]:
    """Yields key, limit and value of each head whose arguments limit what it writes."""
    for name, network in networks_of(config.architecture).items():
        algorithm = BY_HEAD.get(head_name(network))
        limit = algorithm.length_limit if algorithm else None
        if limit is not None:
            block = f"Architecture.Models.{name}" if name else "Architecture"
            value = int(network["Head"].get(limit.key, limit.default))
            yield f"{block}.Head.{limit.key}", limit, value
