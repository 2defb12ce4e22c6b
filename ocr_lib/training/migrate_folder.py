"""Weights for another dictionary as a folder of their own, without training."""

from dataclasses import replace
from pathlib import Path

from ocr_lib.atomic import atomic_directory, write_text
from ocr_lib.config.characters import DICTIONARY, write_dictionary
from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.config.loader import load_config
from ocr_lib.errors import CheckpointError
from ocr_lib.models import build_model
from ocr_lib.text.dictionary import Charset
from ocr_lib.training import checkpoint
from ocr_lib.training.migration import Migration, dictionary_beside, migrate
from ocr_lib.training.weights import load_into, save_weights


def migrate_folder(
    source: Path, new: Charset, out_dir: Path, allowed_parts: AllowedParts = NO_PARTS
) -> Migration:
    """Writes weights, dictionary and configuration for another dictionary.

    Args:
        source: a checkpoint in a run directory, or a folder that `ocr import` or this wrote.
        new: the characters to come.
        out_dir: gets `weights.pdparams`, `dictionary.txt`, `dictionary.json` and `config.yml`; an
            older one is replaced.
        allowed_parts: custom parts that the configuration may name.

    Raises:
        ConfigError: the configuration is not accepted, or names a part that is not allowed.
        CheckpointError: nothing says what the weights are: `config.yml` or the dictionary is
            missing beside them, or they are others.
    """
    prefix = checkpoint.without_suffix(source)
    config_file = prefix.with_name("config.yml")
    old = dictionary_beside(prefix)
    if not config_file.exists() or old is None:
        raise CheckpointError(
            str(prefix),
            f"config.yml or {DICTIONARY} is not beside it, or names what is not there",
            "Name a checkpoint in its run directory, or a folder of `ocr import`",
        )
    config = load_config(config_file, (), allowed_parts)
    migration = Migration(old, new)
    network = build_model(config.architecture, new.num_classes, allowed_parts)
    moved = migrate(checkpoint.load(prefix), network, migration)
    load_into(network, moved.params, str(prefix), min_share=1.0)
    settings = replace(
        config.global_,
        character_dict_path=str(out_dir / DICTIONARY),
        use_space_char=False,
        pretrained_model=str(out_dir / checkpoint.IMPORTED),
        checkpoints=None,
    )
    with atomic_directory(out_dir) as work:
        save_weights(work / f"{checkpoint.IMPORTED}.pdparams", network.state_dict())
        write_dictionary(new, work)
        write_text(work / "config.yml", replace(config, global_=settings).to_yaml())
    return migration
