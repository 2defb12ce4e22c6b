"""`ocr runs`: what a run was resolved to, and in what two runs differ."""

import json
from dataclasses import asdict

import click

from ocr_lib.config.strict_yaml import dump
from ocr_lib.runspec.spec import diff as differences
from ocr_lib.runspec.spec import readable
from ocr_lib.runspec.spec_store import check_run, open_spec
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo
from pipelines.cli.command import group, option
from pipelines.cli.options import Checked
from pipelines.cli.server_options import STORE_HELP

run_name = Checked("run", check_run)
as_json = option("--json", "as_json", is_flag=True, help="print JSON")


@group("runs", epilog=STORE_HELP)
def runs() -> None:
    """Look at the run specs that runs of the pipeline went by.

    A run is named by its id, or by the SHA-256 of its run spec, which a model's lineage has.

    Examples:
      ocr runs show 39aa72e6-80ea-4a29-b5b6-a14b876d4bca
      ocr runs diff 39aa72e6-80ea-4a29-b5b6-a14b876d4bca 0b4a1273-f729-4e8c-8ac2-6cb6db39b989
    """


@runs.command("show")
@click.argument("run", type=run_name, help="ID of a pipeline run")
@as_json
def show(run: str, as_json: bool) -> None:
    """Print the run spec of a run: configuration, sources and weights with digests, options."""
    spec = open_spec(Store.from_env(), run)
    if as_json:
        echo(json.dumps(spec.to_dict(), ensure_ascii=False, indent=2))
        return
    echo(f"# run spec {spec.digest}")
    echo(dump(readable(spec)).rstrip("\n"))


@runs.command("diff")
@click.argument("run_a", type=run_name, help="ID of a run")
@click.argument("run_b", type=run_name, help="ID of the run to compare it with")
@as_json
def diff(run_a: str, run_b: str, as_json: bool) -> None:
    """Print in what the run specs of two runs differ, key by key; nothing where they are equal."""
    store = Store.from_env()
    rows = differences(open_spec(store, run_a), open_spec(store, run_b))
    if as_json:
        echo(json.dumps([asdict(item) for item in rows], ensure_ascii=False, indent=2))
        return
    for item in rows:
        echo(f"{item.key}: {_value(item.before)} -> {_value(item.after)}")


def _value(value: object) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
