"""The commands of `ocr`, each in a module that is imported only when it is asked for."""

import click
from click.shell_completion import get_completion_class

from ocr_lib import __version__
from ocr_lib.terminal import echo
from pipelines.cli.command import group
from pipelines.cli.main import COMPLETE, DEBUG

# name → (`module:attribute`, one line of help), in the order in which the data travels
COMMANDS = {
    "synth": ("pipelines.cli.data.synth:synth", "draw a synthetic data set of text lines"),
    "gen-label": (
        "pipelines.cli.data.gen_label:gen_label",
        "labels of a data set -> label list and report",
    ),
    "dictionary": (
        "pipelines.cli.data.dictionary:dictionary",
        "list, show or build character dictionaries",
    ),
    "pack-lmdb": (
        "pipelines.cli.data.lmdb:pack_lmdb",
        "pack a label list and its images into LMDB shards",
    ),
    "fsck": ("pipelines.cli.data.lmdb:fsck", "check a packed data set, byte for byte"),
    "config": ("pipelines.cli.training.config:config", "list, show or check configurations"),
    "preflight": (
        "pipelines.cli.data.preflight:preflight",
        "check data and configuration before training",
    ),
    "import": (
        "pipelines.cli.training.import_model:import_model",
        "turn an exported recogniser into weights to train on",
    ),
    "train": ("pipelines.cli.training.train:train", "train a network, or go on training it"),
    "eval": (
        "pipelines.cli.model.eval:evaluate_model",
        "measure a trained network on the Eval data",
    ),
    "infer": ("pipelines.cli.model.predict:infer", "read images with a trained network"),
    "gate": (
        "pipelines.cli.model.gate:gate",
        "decide whether a candidate may replace the champion",
    ),
    "gate-rates": ("pipelines.cli.model.gate:gate_rates", "simulate how often the gate would err"),
    "export": (
        "pipelines.cli.model.export:export",
        "export a trained network as a certified bundle",
    ),
    "predict": ("pipelines.cli.model.predict:predict", "read images with an exported bundle"),
    "deploy": (
        "pipelines.cli.serving.deploy:deploy",
        "put an exported bundle into service on Triton",
    ),
    "rollback": (
        "pipelines.cli.serving.deploy:rollback",
        "put an earlier version back into service",
    ),
    "models": ("pipelines.cli.serving.models:models", "list the versions of a served model"),
    "feedback": (
        "pipelines.cli.serving.feedback:feedback",
        "lines the served model was unsure of -> training",
    ),
    "serve": (
        "pipelines.cli.serving.serve:serve",
        "run one replica of the server, kept at production",
    ),
    "query": ("pipelines.cli.serving.query:query", "read images with a served model"),
    "reap": ("pipelines.cli.cluster.reap:reap", "end training jobs that no run waits for any more"),
    "gc": ("pipelines.cli.cluster.gc:gc", "delete what nothing in the object store needs any more"),
    "store": (
        "pipelines.cli.cluster.store:store",
        "make an object store ready: bucket, keys, rights",
    ),
    "pipeline": (
        "pipelines.cli.commands:pipeline",
        "compile, upload, run and schedule it on Kubeflow",
    ),
    "runs": ("pipelines.cli.runs.runs:runs", "show what runs were resolved to, compare two"),
    "demo": ("pipelines.cli.demo:demo", "run the whole pipeline on this machine"),
}
PIPELINE_COMMANDS = {
    "compile": ("pipelines.cli.pipeline.compile:compile_package", "write the package"),
    "upload": ("pipelines.cli.pipeline.compile:upload", "upload it as a version of the pipeline"),
    "run": ("pipelines.cli.pipeline.run:run", "upload it if need be, run it, follow the run"),
    "schedule": ("pipelines.cli.pipeline.schedule:schedule", "run it again and again"),
    "rejudge": ("pipelines.cli.pipeline.rejudge:rejudge", "judge a run again, without training"),
    "status": ("pipelines.cli.pipeline.run:status", "show runs, or the steps of one"),
    "logs": ("pipelines.cli.pipeline.logs:logs", "show what a step wrote"),
    "cancel": ("pipelines.cli.pipeline.run:cancel", "end a run"),
}
SHELLS = ("bash", "zsh", "fish")


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}


@group("ocr", lazy=COMMANDS, context_settings=SETTINGS)
@click.option("--debug", is_flag=True, help=f"Print the traceback of an error, as {DEBUG}=1 does.")
@click.version_option(__version__, prog_name="ocr", message="%(prog)s %(version)s")
def ocr(debug: bool) -> None:
    """Text recognition from labelled lines to a served model."""


@group("pipeline", lazy=PIPELINE_COMMANDS)
def pipeline() -> None:
    """Compile the Kubeflow pipeline, upload it, run it, schedule it, watch and cancel runs.

    Examples:
      ocr pipeline compile
      ocr pipeline run --host https://kubeflow.example.org --params run.yaml
      ocr pipeline schedule create nightly --cron "0 0 3 * * *" --params run.yaml
      ocr pipeline status
      ocr pipeline COMMAND --help
    """


@ocr.command("completion", short_help="print the script for completion in a shell")
@click.argument("shell", type=click.Choice(SHELLS), help="the shell to write it for")
def completion(shell: str) -> None:
    """Print the script that lets a shell complete commands, options and files.

    Examples:
      source <(ocr completion bash)                   # in ~/.bashrc; or zsh in ~/.zshrc
      ocr completion fish > ~/.config/fish/completions/ocr.fish
    """
    script = get_completion_class(shell)
    assert script is not None
    echo(script(ocr, {}, "ocr", COMPLETE).source().rstrip("\n"))
