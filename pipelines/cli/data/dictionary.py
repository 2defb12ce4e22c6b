"""`ocr dictionary`: list, show and build character dictionaries, and change a network's."""

from pathlib import Path

import click

from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.data.label_list import read_label_list
from ocr_lib.errors import DictionaryError
from ocr_lib.terminal import echo
from ocr_lib.text.dictionary import build_dictionary, load_dictionary
from ocr_lib.text.dictionary_faults import faults, lacks
from ocr_lib.text.known_dictionaries import known_names
from pipelines.cli.command import group, option
from pipelines.cli.config_options import allow_part
from pipelines.cli.options import count, input_file, name_or_file, output_file, replaced_folder


@group("dictionary")
def dictionary() -> None:
    """List the dictionaries that have a name, show one, build one, or change a network's.

    A dictionary is built from the characters of label lists. Trained weights that get another one
    keep what they learnt of characters that both have.

    Examples:
      ocr dictionary list
      ocr dictionary show french
      ocr dictionary build build/labels/labels.txt --out dictionary.txt
      ocr dictionary migrate build/pp-ocrv4 --to dictionary.txt --out build/receipts
      ocr dictionary migrate runs/a/best_accuracy --to french --out build/french
    """


@dictionary.command("list")
def show_names() -> None:
    """List names, numbers of entries, and PaddleOCR's paths."""
    for name, path in known_names().items():
        echo(f"{name:16} {len(load_dictionary(path).characters):6}  {path}")


@dictionary.command("show")
@click.argument(
    "name", type=name_or_file, help="a name of the list, a path of PaddleOCR's, or a file"
)
@option("--use-space-char", is_flag=True, help="append a space")
def show(name: str, use_space_char: bool) -> None:
    """Show the entries of one dictionary with their CTC classes, and what is wrong with it.

    Empty and doubled lines, entries of several characters and line ends of other systems are named
    with their line; of a dictionary named for a language, what it lacks of its alphabet and digits.
    """
    charset = load_dictionary(name, use_space_char, "NAME")
    echo("0\tblank")
    for number, entry in enumerate(charset.characters, start=1):
        echo(f"{number}\t{entry!r}")
    for fault in faults(charset, use_space_char):
        echo(f"{'error' if fault.is_error else 'warning'}: {name}:{fault.line}: {fault.cause}")
    if missing := lacks(charset, name):
        echo(f"warning: {name} lacks {missing}")


@dictionary.command("build")
@click.argument(
    "lists", type=input_file, nargs=-1, required=True, help="label lists, path<TAB>label"
)
@option("--out", type=output_file, required=True, help="the dictionary file to write")
@option("--min-count", type=count, default=1, help="leave out rarer characters")
@option("--no-space", is_flag=True, help="leave out the space")
def build(lists: tuple[Path, ...], out: Path, min_count: int, no_space: bool) -> None:
    """Write the characters of label lists, sorted."""
    labels = (line.label for path in lists for line in read_label_list(path))
    try:
        built = build_dictionary(labels, min_count, use_space_char=not no_space)
    except DictionaryError as error:
        raise DictionaryError(", ".join(map(str, lists)), error.cause, error.fix) from None
    built.to_file(out)
    echo(f"wrote {len(built.characters)} characters to {out}")


@dictionary.command("migrate")
@click.argument("weights", type=name_or_file, help="checkpoint, or folder of `ocr import`")
@option("--to", type=name_or_file, required=True, help="the new dictionary: a file or a name")
@option("--use-space-char", is_flag=True, help="append a space to it")
@option(
    "--out",
    type=replaced_folder("weights.pdparams"),
    required=True,
    help="folder, replaced if it exists",
)
@allow_part
def migrate(
    weights: str, to: str, use_space_char: bool, out: Path, allow_part: tuple[str, ...]
) -> None:
    """Give trained weights another dictionary."""
    from ocr_lib.training.migrate_folder import migrate_folder

    new = load_dictionary(to, use_space_char, "--to")
    migration = migrate_folder(Path(weights), new, out, allowed_parts(allow_part))
    echo(f"characters: {migration.describe()}")
    echo(f"written: {out}")
