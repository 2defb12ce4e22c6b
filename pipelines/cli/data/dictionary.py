"""`ocr dictionary`: list, show and build character dictionaries, and change a network's."""

import argparse
from pathlib import Path

from ocr_lib.data.label_list import read_label_list
from ocr_lib.errors import DictionaryError
from ocr_lib.terminal import echo
from ocr_lib.text.dictionary import build_dictionary, load_dictionary
from ocr_lib.text.known_dictionaries import known_names
from pipelines.cli.model.arguments import (
    count,
    input_file,
    name_or_file,
    output_file,
    replaced_folder,
)
from pipelines.cli.training.config_options import add_allow_part, read_allowed_parts

DESCRIPTION = """\
List the dictionaries that have a name, show the entries of one, build one from the
characters of label lists, or give trained weights another one: what they learnt of
characters that both have stays as it is."""

EXAMPLES = """\
  ocr dictionary list
  ocr dictionary show french
  ocr dictionary build build/labels/labels.txt --out dictionary.txt
  ocr dictionary migrate build/pp-ocrv4 --to dictionary.txt --out build/receipts
  ocr dictionary migrate runs/a/best_accuracy --to french --out build/french"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the actions and their arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="names, number of entries, and PaddleOCR's paths")
    show = actions.add_parser("show", help="the entries of one dictionary with their CTC classes")
    show.add_argument(
        "name", type=name_or_file, help="a name of the list, a path of PaddleOCR's, or a file"
    )
    show.add_argument("--use-space-char", action="store_true", help="append a space")
    build = actions.add_parser("build", help="the characters of label lists, sorted")
    build.add_argument("lists", nargs="+", type=input_file, help="label lists, path<TAB>label")
    build.add_argument(
        "--out", type=output_file, required=True, help="the dictionary file to write"
    )
    build.add_argument(
        "--min-count", type=count, default=1, help="leave out rarer characters (default 1)"
    )
    build.add_argument("--no-space", action="store_true", help="leave out the space")
    migrate = actions.add_parser("migrate", help="weights for another dictionary")
    migrate.add_argument("weights", type=name_or_file, help="checkpoint, or folder of `ocr import`")
    migrate.add_argument(
        "--to", type=name_or_file, required=True, help="the new dictionary: a file or a name"
    )
    migrate.add_argument("--use-space-char", action="store_true", help="append a space to it")
    migrate.add_argument(
        "--out",
        type=replaced_folder("weights.pdparams"),
        required=True,
        help="folder, replaced if it exists",
    )
    add_allow_part(migrate)


def run(args: argparse.Namespace) -> int:
    """Does one of the four."""
    actions = {"list": _list, "show": _show, "build": _build, "migrate": _migrate}
    actions[args.action](args)
    return 0


def _list(_: argparse.Namespace) -> None:
    for name, path in known_names().items():
        echo(f"{name:16} {len(load_dictionary(path).characters):6}  {path}")


def _show(args: argparse.Namespace) -> None:
    dictionary = load_dictionary(args.name, args.use_space_char, "name")
    echo("0\tblank")
    for number, entry in enumerate(dictionary.characters, start=1):
        echo(f"{number}\t{entry!r}")


def _build(args: argparse.Namespace) -> None:
    labels = (line.label for path in args.lists for line in read_label_list(path))
    try:
        dictionary = build_dictionary(labels, args.min_count, use_space_char=not args.no_space)
    except DictionaryError as error:
        raise DictionaryError(", ".join(map(str, args.lists)), error.cause, error.fix) from None
    dictionary.to_file(args.out)
    echo(f"wrote {len(dictionary.characters)} characters to {args.out}")


def _migrate(args: argparse.Namespace) -> None:
    from ocr_lib.training.migrate_folder import migrate_folder

    new = load_dictionary(args.to, args.use_space_char, "--to")
    migration = migrate_folder(Path(args.weights), new, args.out, read_allowed_parts(args))
    echo(f"characters: {migration.describe()}")
    echo(f"written: {args.out}")
