"""preflight between object stores: packed samples and a configuration → a verdict in words."""

from dataclasses import dataclass

from components.preflight.join import Sets
from components.step_context import StepContext
from ocr_lib.data.preflight import preflight as check
from ocr_lib.data.roles import TEST, TRAIN, VALIDATION
from ocr_lib.errors import DataError
from ocr_lib.evaluation.predict import partitions
from ocr_lib.gate.power import describe_power
from ocr_lib.markdown import escape
from ocr_lib.runspec.config import config_on_data
from ocr_lib.runspec.config_files import fetch_files
from ocr_lib.runspec.partition import PreflightSettings
from ocr_lib.runspec.spec_store import load_config_yaml
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.leaks import refuse_shared_images
from ocr_lib.terminal import echo


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightRequest:
    """What to check.

    Attributes:
        sets: train, validation and test.
        settings: configuration, limits, and the gate that will decide on the test set.
    """

    sets: Sets
    settings: PreflightSettings


def preflight(context: StepContext, request: PreflightRequest) -> str:
    """Checks the data sets against the configuration; returns the report as Markdown.

    Of the test set only the sample tables are read, to see that it shares no image with the others.

    Raises:
        DataError: the run would fail, or learn something else than was meant; or an image is in
            two of the sets.
        DigestError: the configuration was damaged or replaced.
    """
    sets, settings = request.sets, request.settings
    roles = {TRAIN: sets.train, VALIDATION: sets.validation, TEST: sets.test}
    store, work = context.store, context.work_dir
    yaml = load_config_yaml(store, settings.config_digest)
    yaml = fetch_files(store, yaml, settings.files, work / "files")
    refuse_shared_images(store, roles, work / "leaks")
    train = download(store, sets.train, work / TRAIN)
    validation = download(store, sets.validation, work / VALIDATION) if sets.validation else None
    report = check(
        config_on_data(yaml, train, validation, save_model_dir=str(work / "run")),
        max_bad_fraction=settings.max_bad_fraction,
        max_leak_share=0.0,
    )
    if report.problems:
        echo(report.text(), err=True)
        first, more = report.problems[0], len(report.problems) - 1
        cause = first.cause + (f" (and {more} more problems, above)" if more else "")
        raise DataError(first.check, cause, first.fix)
    for warning in report.warnings:
        context.log.warning("%s: %s. %s.", warning.check, warning.cause, warning.fix)
    power = describe_power(int(sets.test.metadata["samples"]), settings.gate)
    echo(f"{sets.note}\n{power}")
    return f"{report.markdown()}\n{_markdown(roles, sets.note, power)}"


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
