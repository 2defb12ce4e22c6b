"""`ocr models`: which versions there are, where they come from, and which may go."""

import argparse
import json

from ocr_lib.errors import ConfigError
from ocr_lib.registry.lineage import differences, lineage, prune, removable
from ocr_lib.registry.production import (
    find_version,
    list_versions,
    read_production,
)
from ocr_lib.serving.rollout import deploying
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import count, whole_number
from pipelines.cli.serving.server_options import STORE_HELP, add_model

DESCRIPTION = f"""\
Look at the versions of a model, compare two, or delete old ones.

`list` marks the one in production with *. `show` prints what is known of a version, down to the
data, the configuration, the code and the metrics; `diff` prints in what two versions differ.
`prune` deletes the files of versions that are no longer needed, never of the one in production
or of its predecessor; it only says which until it is given --yes.
{STORE_HELP}"""
EXAMPLES = """\
  ocr models list --model receipts
  ocr models show 3 --model receipts
  ocr models diff 2 3 --model receipts
  ocr models prune --keep 5 --model receipts
  ocr models prune --keep 5 --model receipts --yes"""

KEEP = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shown = actions.add_parser("list", help="all versions")
    show = actions.add_parser("show", help="all that is known of one, as JSON")
    show.add_argument("version", type=count)
    diff = actions.add_parser("diff", help="in what two differ")
    diff.add_argument("one", type=count)
    diff.add_argument("other", type=count)
    pruned = actions.add_parser("prune", help="delete those that are not needed")
    pruned.add_argument(
        "--keep",
        type=whole_number(0, 10**9),
        default=KEEP,
        help=f"number of newest versions to keep (default {KEEP})",
    )
    pruned.add_argument("--yes", action="store_true", help="delete; without it nothing is deleted")
    for action in (shown, show, diff, pruned):
        add_model(action)


def run(args: argparse.Namespace) -> int:
    """Does what was asked."""
    store, model = Store.from_env(), args.model
    if args.action == "list":
        _list(store, model)
    elif args.action == "show":
        record = find_version(store, model, args.version)
        _print_json(lineage(store, model, record))
    elif args.action == "diff":
        one, other = (
            lineage(store, model, find_version(store, model, version))
            for version in (args.one, args.other)
        )
        for where, left, right in differences(one, other):
            echo(f"{where}\t{_value(left)}\t{_value(right)}")
    else:
        _prune(store, model, args.keep, args.yes)
    return 0


def _list(store: Store, model: str) -> None:
    versions = list_versions(store, model)
    if not versions:
        raise ConfigError("--model", f"there is no version of {model}", "Deploy one")
    production = read_production(store, model)
    for version in versions:
        mark = "*" if production and production.version == version.version else " "
        accuracy = version.metrics.get("accuracy")
        figure = f"{accuracy:.4f}" if isinstance(accuracy, float) else "-" * 6
        state = "pruned" if version.pruned else version.bundle
        row = (f"{mark} {version.version:4d}", version.time, version.digest[:12], figure, state)
        echo("  ".join(row))


def _prune(store: Store, model: str, keep: int, sure: bool) -> None:
    with deploying(store, model):
        removals = removable(store, model, keep)
        for removal in removals:
            size = f"{removal.size / 1e6:.1f} MB"
            verb = "delete" if sure else "would delete"
            echo(f"{verb} version {removal.record.version}, {size}")
        if sure:
            prune(store, model, removals)
    if not removals:
        echo("nothing to delete")
    elif not sure:
        echo("nothing was deleted; give --yes to delete")


def _print_json(value: object) -> None:
    echo(json.dumps(value, ensure_ascii=False, indent=2))


def _value(value: object) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
