"""`ocr pipeline rejudge`: a trained run judged again, against the model that serves now."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import click

from ocr_lib.errors import ConfigError
from ocr_lib.runspec.spec_store import check_run
from pipelines.cli.command import command, option
from pipelines.cli.options import Checked, namespace, output_folder, text
from pipelines.cli.pipeline.options import (
    AUTH_HELP,
    BuildChoice,
    ConnectionChoice,
    with_build,
    with_connection,
)
from pipelines.cli.pipeline.run import start_run, with_deadline, with_detach
from pipelines.compile import compile_rejudge
from pipelines.placement import BuildOptions, options_of


@command("rejudge", epilog=AUTH_HELP)
@click.argument(
    "run_id", type=Checked("run", check_run), metavar="RUN", help="ID of the run to judge again"
)
@option("--local", is_flag=True, help="on this machine, with the store that the environment names")
@option("--out", type=output_folder, default=Path("build/rejudge"), help="with --local: the folder")
@with_build
@option("--experiment", type=text, default="ocr", help="groups runs in the UI")
@option("--service-account", type=namespace, metavar="NAME", help="of the steps' pods")
@with_detach
@with_deadline
@with_connection
def rejudge(
    run_id: str,
    local: bool,
    out: Path,
    build: BuildChoice,
    experiment: str,
    service_account: str | None,
    detach: bool,
    deadline: float,
    connection: ConnectionChoice,
) -> int:
    """Judge a run again without training: predict, evaluate, export and deploy.

    For a candidate that was not deployed because production is another one by then, or that was
    refused in favour of a model that was rolled back since. Its run spec, model and data sets are
    taken as they were; the champion is what serves now. It is a pipeline of its own, compiled and
    uploaded as needed: with images, placement and account of the run, but for what the command line
    says. Exit codes are those of `ocr pipeline run`.

    Examples:
      ocr pipeline rejudge 39aa72e6-80ea-4a29-b5b6-a14b876d4bca
      ocr pipeline rejudge 39aa72e6-80ea-4a29-b5b6-a14b876d4bca --images build/images.json
      ocr pipeline rejudge 39aa72e6-80ea-4a29-b5b6-a14b876d4bca --local
    """
    if local:
        return _run_here(run_id, out)
    from pipelines.kfp_api.package import read_package

    build.options()  # a mistake is named before the server is asked
    base, account = _built_for(connection, run_id, build)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "package.yaml"
        compile_rejudge(path, build.options(base))
        compiled = read_package(path)
        return start_run(
            connection,
            compiled,
            {"run": run_id},
            name=f"{compiled.name} {run_id} {datetime.now():%Y-%m-%d %H:%M:%S}",
            experiment=experiment,
            service_account=service_account or account,
            deadline=None if detach else timedelta(minutes=deadline),
        )


def _built_for(
    connection: ConnectionChoice, run_id: str, build: BuildChoice
) -> tuple[BuildOptions | None, str | None]:
    """Returns what a run's package was built for, and the account of its pods.

    Raises:
        ConfigError: the server does not know the run, and the command line says nothing either.
    """
    from pipelines.kfp_api import runs
    from pipelines.kfp_api.api import NotFoundError

    with connection.open() as kubeflow:
        try:
            run = runs.get(kubeflow, run_id)
        except NotFoundError as error:
            if build.given:
                return None, None
            raise ConfigError(
                "RUN",
                f"{run_id} is no run of this server ({error}), so its images and placement are not "
                "known",
                "Give --images and --placement, or --local to judge it on this machine",
            ) from error
        return options_of(runs.package_of(kubeflow, run)), run.service_account


def _run_here(run_id: str, out: Path) -> int:
    from ocr_lib.runspec.judged_run import load_record
    from ocr_lib.storage.store import Store
    from pipelines.demo.dag import run_dag

    load_record(Store.from_env(), run_id)  # before any step starts
    run_dag({"run": run_id}, {}, out, rejudge=True)
    return 0
