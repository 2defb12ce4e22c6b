"""reopen: the id of a run that was judged → all that judging it again needs."""

from dataclasses import dataclass

from components.step_context import StepContext
from ocr_lib.evaluation.predict import partitions
from ocr_lib.runspec.judged_run import JudgedRun, load_record, save_record
from ocr_lib.runspec.spec_store import load_spec


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenRequest:
    """The run to judge again; `run` is its id."""

    run: str


def reopen(context: StepContext, request: ReopenRequest) -> tuple[JudgedRun, list[dict[str, int]]]:
    """Returns where everything is, and the test set in as many partitions as pods shall predict it.

    Raises:
        ConfigError: the run was never judged.
    """
    record = load_record(context.store, request.run)
    save_record(context.store, request.run, record)  # the run is in use: its data are kept
    spec = load_spec(context.store, record.spec.digest)
    samples = int(record.test.metadata["samples"])
    rows = partitions(samples, spec.options.evaluate.max_pods)
    return record, [{"first": some.start, "last": some.stop} for some in rows]
