"""The demo: data, servers, one run of the pipeline, and questions to the Triton that results."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from ocr_lib.atomic import write_json
from ocr_lib.config.loader import merge
from ocr_lib.errors import ConfigError
from ocr_lib.registry.production import read_production
from ocr_lib.report.evaluation_result import EvaluationResult
from ocr_lib.runspec.options import OPTIONS
from ocr_lib.storage.artifacts import download
from pipelines.demo.answers import ask_triton
from pipelines.demo.dag import DagRun, run_dag
from pipelines.demo.options import DemoOptions
from pipelines.demo.pretrained import pretrained_overrides, pretrained_parameters
from pipelines.demo.services import Services, services
from pipelines.demo.sources import upload_sources
from pipelines.demo.summary import summarise

SUMMARY, REPORT = "summary.json", "report.html"


def run_demo(options: DemoOptions) -> dict[str, Any]:
    """Runs the whole pipeline on this machine; returns what it wrote to `summary.json`.

    A second demo in the same folder meets the model that the first one put into production.

    Raises:
        StepError: a step failed.
        ServiceError: a server does not start.
    """
    started = time.monotonic()
    (options.out / SUMMARY).unlink(missing_ok=True)  # never an old result beside a new failure
    with services(options.out, options.model_name) as running:
        run = run_dag(_arguments(options, running), running.environment, options.out)
        if "evaluate" not in run.seconds:
            raise ConfigError(
                "skip_if_unchanged",
                "nothing is new since the serving model, so the run ended at its first step",
                "Leave it out to train again",
            )
        summary = _summary(options, running, run, started)
    write_json(options.out / SUMMARY, summary)
    return summary


def _arguments(options: DemoOptions, running: Services) -> dict[str, Any]:
    """Uploads the data and returns the pipeline's parameters."""
    train, test = upload_sources(options, running.store)
    arguments: dict[str, Any] = {
        "train_data_uri": train.uri,
        "test_data_uri": test.uri,
        "model_name": options.model_name,
        "train_minutes": options.minutes,
        "train_backend": "local",
        "triton_urls": [running.triton_url],
    }
    run_options: dict[str, Any] = {
        "dataset_name": options.model_name,
        "sha256": {"train": train.sha256, "test": test.sha256},
    }
    parameters = dict(options.parameters)
    given_options = parameters.pop(OPTIONS, {})
    if options.pretrained:
        arguments |= pretrained_parameters(options.pretrained, running.store, options.out)
        overrides = pretrained_overrides(options.pretrained)
        given_options = {
            **given_options,
            "config_overrides": [*overrides, *given_options.get("config_overrides", [])],
        }
    return {**arguments, **parameters, OPTIONS: merge(run_options, given_options)}


def _summary(
    options: DemoOptions, running: Services, run: DagRun, started: float
) -> dict[str, Any]:
    report = options.out / REPORT
    shutil.copyfile(run.path("evaluate", "report"), report)
    production = read_production(running.store, options.model_name)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        answers = []
        if production:
            lines = run.pointer("preflight", "test_lmdb")
            answers = ask_triton(production, lines, running.triton_url, running.store, work)
        evaluation_dir = download(
            running.store, run.pointer("evaluate", "evaluation"), work / "evaluation"
        )
        evaluation = EvaluationResult.load(evaluation_dir)
    return summarise(
        evaluation=evaluation,
        bundle=run.pointer("export", "bundle").metadata if "export" in run.seconds else None,
        production=production,
        answers=answers,
        seconds={"whole": round(time.monotonic() - started, 1), "steps": run.seconds},
        report=report,
    )
