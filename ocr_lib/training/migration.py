"""Another dictionary for a trained network: what was learnt of a character goes with it.

Output layers and character embeddings have one row (or column) a class. Each is reassembled:
special classes (blank, start, end, …) and every character that both dictionaries have keep theirs,
so that logits of shared characters do not change; a new character begins as the mean of all the old
ones, which resembles no character. Accumulators of the optimiser move with their rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from paddle import nn

from ocr_lib.config.characters import DICTIONARY, as_trained, dictionary_of
from ocr_lib.config.loader import load_settings
from ocr_lib.errors import ConfigError, DictionaryError
from ocr_lib.models.class_axis import ClassAxis
from ocr_lib.text.dictionary import Charset, load_dictionary
from ocr_lib.training.checkpoint import NAME_TABLE, Checkpoint

EXAMPLES = 12
NEW = -1


@dataclass(frozen=True)
class Migration:
    """A change of dictionaries.

    Attributes:
        old: what the weights know.
        new: what the network is to know.
    """

    old: Charset
    new: Charset

    @property
    def shared(self) -> list[str]:
        """Entries of the new dictionary that the old one has."""
        return _in_first(self.new, self.old, also_in_second=True)

    @property
    def added(self) -> list[str]:
        """Entries of the new dictionary that the old one lacks."""
        return _in_first(self.new, self.old, also_in_second=False)

    @property
    def dropped(self) -> list[str]:
        """Entries of the old dictionary that the new one lacks."""
        return _in_first(self.old, self.new, also_in_second=False)

    def describe(self) -> str:
        """Says how many characters are kept, new and dropped, with examples."""
        parts = {"kept": self.shared, "new": self.added, "dropped": self.dropped}
        return ", ".join(f"{len(c)} {name}{_examples(c)}" for name, c in parts.items())

    def positions(self) -> NDArray[np.int64]:
        """Returns for each new character its position in the old dictionary, or `NEW`.

        Where the old one lists a character twice the last counts, as in encoding.
        """
        old = {entry: i for i, entry in enumerate(self.old.characters)}
        return np.array([old.get(entry, NEW) for entry in self.new.characters], np.int64)

    def move(self, array: NDArray[Any], axis: ClassAxis) -> NDArray[Any]:
        """Returns a parameter, or an accumulator of its shape, for the new dictionary.

        Raises:
            DictionaryError: its size is not that of the old dictionary.
        """
        characters = len(self.old.characters)
        classes = array.shape[axis.axis] if axis.axis < array.ndim else 0
        if classes != axis.before + characters + axis.after:
            raise DictionaryError(
                axis.parameter,
                f"it has {classes} classes, the dictionary of {characters} "
                f"characters makes {axis.before + characters + axis.after}",
                "Put the dictionary that the weights were trained with beside them",
            )
        moved = np.moveaxis(array, axis.axis, 0)
        known = moved[axis.before : axis.before + characters]
        positions = self.positions()
        rows = known[np.maximum(positions, 0)]
        rows[positions == NEW] = known.mean(axis=0)
        parts = [moved[: axis.before], rows, moved[axis.before + characters :]]
        return np.ascontiguousarray(np.moveaxis(np.concatenate(parts), 0, axis.axis))


def class_axes(network: nn.Layer) -> Iterator[ClassAxis]:
    """Yields the axes of a network that have one position a class, as its heads name them."""
    for name, layer in network.named_sublayers(include_self=True):
        prefix = f"{name}." if name else ""
        for axis in layer.class_axes() if hasattr(layer, "class_axes") else ():
            yield replace(axis, parameter=prefix + axis.parameter)


def migrate(saved: Checkpoint, network: nn.Layer, migration: Migration) -> Checkpoint:
    """Returns a checkpoint for another dictionary: weights, and the optimiser's accumulators.

    Args:
        saved: what the old dictionary was trained with, under the network's own names.
        network: the network of the new dictionary.
        migration: from which to which.
    """
    params, optimizer = dict(saved.params), dict(saved.optimizer)
    tensors = saved.params.get(NAME_TABLE, {})
    for axis in class_axes(network):
        if axis.parameter not in params:
            continue
        array = np.asarray(params[axis.parameter])
        params[axis.parameter] = migration.move(array, axis)
        for key, value in _accumulators(optimizer, tensors.get(axis.parameter), array.shape):
            optimizer[key] = migration.move(value, axis)
    return replace(saved, params=params, optimizer=optimizer)


def _accumulators(
    optimizer: Mapping[str, Any], tensor: str | None, shape: tuple[int, ...]
) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields an optimiser's arrays that belong to one tensor and have its shape."""
    for key, value in list(optimizer.items()):
        if tensor and key.startswith(f"{tensor}_") and np.shape(value) == shape:
            yield key, np.asarray(value)


def characters_beside(prefix: Path) -> list[str] | None:
    """Returns the characters of `dictionary_beside`, as plain values."""
    charset = dictionary_beside(prefix)
    return None if charset is None else list(charset.characters)


def dictionary_beside(prefix: Path) -> Charset | None:
    """Returns the dictionary that weights were trained with; None where nothing says it.

    It is `dictionary.txt` beside them (an import, a run directory, a bundle), else what a
    `config.yml` there names. Its direction is the one of training, see `as_trained`.

    Args:
        prefix: the checkpoint's path without suffix.
    """
    config_file, file = prefix.with_name("config.yml"), prefix.with_name(DICTIONARY)
    try:
        settings = load_settings(config_file) if config_file.exists() else None
        path = settings.character_dict_path if settings else DICTIONARY
        if file.exists() and path is not None:
            return as_trained(load_dictionary(str(file)), prefix.parent, path)
        return dictionary_of(settings) if settings else None
    except (ConfigError, DictionaryError):
        return None


def _in_first(first: Charset, second: Charset, *, also_in_second: bool) -> list[str]:
    others = frozenset(second.characters)
    return [entry for entry in first.characters if (entry in others) == also_in_second]


def _examples(entries: list[str]) -> str:
    if not entries:
        return ""
    shown = " ".join("␣" if entry == " " else entry for entry in entries[:EXAMPLES])
    return f" ({shown}{' …' if len(entries) > EXAMPLES else ''})"
