"""Which characters a configuration means: a named or own dictionary, or those of the labels.

`Global.character_dict_path: labels` is the dictionary of the training labels' characters, sorted
by code point. A run writes it into its folder; readers of the run's network load it from there.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ocr_lib.atomic import write_json
from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.config.schema import Config
from ocr_lib.errors import DictionaryError
from ocr_lib.regular_file import read_bounded
from ocr_lib.text.dictionary import Charset, build_dictionary, load_dictionary
from ocr_lib.text.dictionary_faults import faults, lacks

LABELS = "labels"
DICTIONARY = "dictionary.txt"  # in a run directory, beside imported weights, in a bundle
DIRECTION = "dictionary.json"  # in the first two; a bundle has it in its manifest


def trained_dictionary(config: Config, labels: Iterable[str]) -> Charset:
    """Returns the dictionary that a run trains with.

    Args:
        config: the run's configuration.
        labels: of the training lines; read where they make the dictionary.
    """
    return build_dictionary(labels) if made_of_labels(config) else dictionary_of(config.global_)


def dictionary_of(settings: GlobalConfig) -> Charset:
    """Loads the dictionary that the block Global names; that of labels from the run's folder."""
    named = _naming_file(settings)
    return load_dictionary(named.character_dict_path, named.use_space_char)


def write_dictionary(charset: Charset, folder: Path) -> None:
    """Writes the dictionary of trained weights into their folder, and its direction."""
    charset.to_file(folder / DICTIONARY)
    write_json(folder / DIRECTION, {"right_to_left": charset.right_to_left})


def as_trained(charset: Charset, folder: Path, name: str | None) -> Charset:
    """Returns a dictionary with the direction that the weights in a folder were trained with.

    Version 0.1 wrote no direction. It turned the text of dictionaries with "arabic" in their name
    alone, and the weights of others were trained on labels as they are drawn.

    Args:
        charset: the dictionary of the weights.
        folder: of the weights; where it holds no dictionary, `charset` is returned as it is.
        name: of the dictionary in the configuration.

    Raises:
        DictionaryError: the file of the direction is damaged.
    """
    file = folder / DIRECTION
    if not (folder / DICTIONARY).exists():
        return charset
    if not file.exists():
        return replace(charset, right_to_left="arabic" in Path(name or "").name)
    try:
        right_to_left = json.loads(read_bounded(file))["right_to_left"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        right_to_left = None
    if not isinstance(right_to_left, bool):
        cause = "does not say whether the dictionary is right-to-left"
        raise DictionaryError(str(file), cause, "Copy the folder of the weights again")
    return replace(charset, right_to_left=right_to_left)


def made_of_labels(config: Config) -> bool:
    """Returns whether the training labels' characters are the dictionary."""
    return config.global_.character_dict_path == LABELS


def dictionary_messages(config: Config) -> list[str]:
    """Returns what is wrong with the dictionary that a configuration names, and what it lacks.

    Doubled and odd entries are named of a file of the user's own only: PaddleOCR's have some, which
    its published weights are made for, and `ocr dictionary show` names them.

    Raises:
        DictionaryError: such a file has an entry that no training can teach.
    """
    settings = config.global_
    if settings.character_dict_path in (None, LABELS):
        return []
    path, space = str(settings.character_dict_path), settings.use_space_char
    charset = load_dictionary(path, space)
    messages = []
    for fault in faults(charset, space) if Path(path).is_file() else ():
        if fault.is_error:
            fix = "Correct the line; weights that were trained with it need it as it is"
            raise DictionaryError(f"{path}:{fault.line}", fault.cause, fix)
        messages.append(f"{path}:{fault.line}: {fault.cause}")
    if missing := lacks(charset, path):
        messages.append(f"{path} lacks {missing}")
    return messages


def named_dictionary(config: Config) -> Config:
    """Returns a configuration that names the file of the run directory in place of the labels."""
    return replace(config, global_=_naming_file(config.global_))


def _naming_file(settings: GlobalConfig) -> GlobalConfig:
    if settings.character_dict_path != LABELS:
        return settings
    file = str(Path(settings.save_model_dir) / DICTIONARY)
    return replace(settings, character_dict_path=file, use_space_char=False)
