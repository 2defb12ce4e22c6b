"""`ocr models`: which versions there are, where they come from, and which may go."""

import json

import click

from ocr_lib.errors import ConfigError
from ocr_lib.registry import lineage as registry
from ocr_lib.registry.pointer import deploying
from ocr_lib.registry.production import find_version, list_versions, read_production
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo
from pipelines.cli.command import group, option
from pipelines.cli.options import count, whole_number
from pipelines.cli.server_options import STORE_HELP, with_model


@group("models", epilog=STORE_HELP)
def models() -> None:
    """Look at the versions of a model, compare two, or delete old ones.

    Examples:
      ocr models list --model receipts
      ocr models show 3 --model receipts
      ocr models diff 2 3 --model receipts
      ocr models prune --keep 5 --model receipts
      ocr models prune --keep 5 --model receipts --yes
    """


@models.command("list")
@with_model
def show_all(model: str) -> None:
    """List all versions; * marks the one in production."""
    store = Store.from_env()
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


@models.command("show")
@click.argument("version", type=count, help="number of the version")
@with_model
def show(version: int, model: str) -> None:
    """Print data, configuration, code and metrics of a version, as JSON."""
    store = Store.from_env()
    record = find_version(store, model, version)
    echo(json.dumps(registry.lineage(store, model, record), ensure_ascii=False, indent=2))


@models.command("diff")
@click.argument("one", type=count, help="number of a version")
@click.argument("other", type=count, help="number of another one")
@with_model
def diff(one: int, other: int, model: str) -> None:
    """Print in what two versions differ."""
    store = Store.from_env()
    left, right = (
        registry.lineage(store, model, find_version(store, model, version))
        for version in (one, other)
    )
    for where, before, after in registry.differences(left, right):
        echo(f"{where}\t{_value(before)}\t{_value(after)}")


@models.command("prune")
@option("--keep", type=whole_number(0, 10**9), default=5, help="number of newest versions to keep")
@option("--yes", is_flag=True, help="delete; without it nothing is deleted")
@with_model
def prune(keep: int, yes: bool, model: str) -> None:
    """Delete the files of old versions.

    The version in production and its predecessor always stay. Without --yes this only says which
    would be deleted.
    """
    store = Store.from_env()
    with deploying(store, model) as lease:
        removals = registry.removable(store, model, keep)
        for removal in removals:
            verb = "delete" if yes else "would delete"
            echo(f"{verb} version {removal.record.version}, {removal.size / 1e6:.1f} MB")
        if yes:
            registry.prune(store, model, removals, lease.check)
    if not removals:
        echo("nothing to delete")
    elif not yes:
        echo("nothing was deleted; give --yes to delete")


def _value(value: object) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
