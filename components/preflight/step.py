"""preflight between object stores: packed samples and a configuration → a verdict in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.preflight.join import Sets
from components.step_context import StepContext
from ocr_lib.data.preflight import preflight as check
from ocr_lib.data.roles import TEST, TRAIN, VALIDATION
from ocr_lib.errors import DataError
from ocr_lib.evaluation.predict import partitions
from ocr_lib.gate import Thresholds
from ocr_lib.gate.power import describe_power
from ocr_lib.markdown import escape
from ocr_lib.runspec.run_config import run_config
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.leaks import refuse_shared_images
from ocr_lib.terminal import echo


def preflight(
    context: StepContext,
    sets: Sets,
    config: str,
    overrides: Sequence[str],
    max_bad_fraction: float,
    limits: Thresholds,
) -> str:
    """Checks the data sets against the configuration; returns the report as Markdown.

    Of the test set only the sample tables are read, to see that it shares no image with the others.

    Args:
        context: of the step.
        sets: train, validation and test.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        overrides: `Key.sub=value` each.
        max_bad_fraction: share of samples that may fail a check, 0 to 1.
        limits: of the gate that will decide on the test set.

    Raises:
        DataError: the run would fail, or learn something else than was meant; or an image is in
            two of the sets.
    """
    roles = {TRAIN: sets.train, VALIDATION: sets.validation, TEST: sets.test}
    store, work = context.store, context.work_dir
    refuse_shared_images(store, roles, work / "leaks")
    train = download(store, sets.train, work / TRAIN)
    validation = download(store, sets.validation, work / VALIDATION) if sets.validation else None
    run_dir = str(work / "run")
    report = check(
        run_config(store, config, overrides, train, validation, work, save_model_dir=run_dir),
        max_bad_fraction=max_bad_fraction,
        max_leak_share=0.0,
    )
    if report.problems:
        echo(report.text(), err=True)
        first, more = report.problems[0], len(report.problems) - 1
        cause = first.cause + (f" (and {more} more problems, above)" if more else "")
        raise DataError(first.check, cause, first.fix)
    for warning in report.warnings:
        echo(f"warning: {warning.check}: {warning.cause}. {warning.fix}.", err=True)
    power = describe_power(int(sets.test.metadata["samples"]), limits)
    echo(f"{sets.note}\n{power}")
    return f"{report.markdown()}\n{_markdown(roles, sets.note, power)}"


def gate_limits(max_accuracy_drop_fraction: float, more: Mapping[str, Any]) -> Thresholds:
    """Returns what of the gate's thresholds decides how much a test set can show.

    Raises:
        ConfigError: there is no such threshold, or its value is not acceptable.
    """
    return Thresholds.from_dict({"max_accuracy_drop": max_accuracy_drop_fraction, **more})


def _markdown(roles: dict[str, ArtifactRef | None], *notes: str) -> str:
    rows = [
        f"| {role} | {int(pointer.metadata['samples']) if pointer else 0:,} | {use} |"
        for (role, pointer), use in zip(
            roles.items(), ("is learnt from", "chooses the checkpoint", "decides"), strict=True
        )
    ]
    head = ["## The three sets", "", "| set | samples | |", "| --- | ---: | --- |"]
    return "\n".join([*head, *rows, *(f"\n{escape(note)}" for note in notes)]) + "\n"


def share_out(test_lmdb: ArtifactRef, max_pods: int) -> list[dict[str, int]]:
    """Returns the samples of a test set in as many shares as pods shall read them."""
    samples = int(test_lmdb.metadata["samples"])
    return [{"first": rows.start, "last": rows.stop} for rows in partitions(samples, max_pods)]
