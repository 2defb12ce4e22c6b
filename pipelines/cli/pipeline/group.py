"""`ocr pipeline`: the life of the pipeline in Kubeflow, one subcommand a stage."""

import argparse

from pipelines.cli.subcommand import add_subcommand

DESCRIPTION = (
    "Compile the Kubeflow pipeline, upload it, run it, schedule it, watch and cancel runs."
)
EXAMPLES = """\
  ocr pipeline compile
  ocr pipeline run --host https://kubeflow.example.org --params run.yaml
  ocr pipeline schedule create nightly --cron "0 0 3 * * *" --params run.yaml
  ocr pipeline status
  ocr pipeline SUBCOMMAND --help"""

# name → (module, one line of help), in the order of use
SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "compile": ("pipelines.compile", "write the package"),
    "upload": ("pipelines.cli.pipeline.upload", "upload it as a version of the pipeline"),
    "run": ("pipelines.cli.pipeline.run", "upload it if need be, run it, follow the run"),
    "schedule": ("pipelines.cli.pipeline.schedule", "run it again and again"),
    "status": ("pipelines.cli.pipeline.status", "show runs, or the steps of one"),
    "logs": ("pipelines.cli.pipeline.logs", "show what a step wrote"),
    "cancel": ("pipelines.cli.pipeline.cancel", "end a run"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommands with their arguments."""
    commands = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    for name, (module_name, line) in SUBCOMMANDS.items():
        module, command = add_subcommand(commands, name, module_name, line)
        command.set_defaults(run_subcommand=module.run)


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand."""
    return int(args.run_subcommand(args))
