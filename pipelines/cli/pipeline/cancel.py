"""`ocr pipeline cancel`: ends a run."""

import argparse

from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import text
from pipelines.kfp_api.connection import add_connection, connected

DESCRIPTION = """\
End a run. What it trained so far stays in the object store, and its clean-up
step still runs and deletes the training job."""
EXAMPLES = "  ocr pipeline cancel 6f9c0c1e-…"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ocr pipeline cancel`."""
    parser.add_argument("run_id", type=text, metavar="RUN", help="a run's id")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    """Ends a run, and says what that does; one that has ended is left as it is."""
    from pipelines.kfp_api import report, runs
    from pipelines.kfp_api.api import Kubeflow
    from pipelines.kfp_api.steps import FINAL

    with connected(args) as connection:
        kubeflow = Kubeflow(connection)
        found = runs.get(kubeflow, args.run_id)
        if found.state in FINAL:
            echo(f"It has ended already: {found.state.lower()}.")
            return 0
        runs.terminate(kubeflow, args.run_id)
    echo("\n".join(report.cancelling(args.run_id)))
    return 0
