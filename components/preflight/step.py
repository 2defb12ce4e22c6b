"""preflight between object stores: packed lines and a configuration → a verdict in words."""

import json
from collections.abc import Sequence
from pathlib import Path

from components.shared.handoff import fetch
from components.shared.pointer import Pointer
from components.shared.run_config import run_config
from ocr_lib.data.preflight import preflight as check
from ocr_lib.errors import DataError
from ocr_lib.evaluation.readings import shares
from ocr_lib.terminal import echo


def preflight(
    train_lmdb: Pointer,
    eval_lmdb: Pointer,
    config: str,
    overrides: Sequence[str],
    max_bad_fraction: float,
    work: Path,
) -> str:
    """Checks both data sets against the configuration; returns the report as Markdown.

    Args:
        train_lmdb: the lines to learn from.
        eval_lmdb: the lines that decide.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        overrides: `Key.sub=value` each.
        max_bad_fraction: share of lines that may fail a check, 0 to 1.
        work: an empty folder.

    Raises:
        DataError: the run would fail, or learn something else than was meant.
    """
    data = fetch(train_lmdb, work / "train"), fetch(eval_lmdb, work / "eval")
    own = f"Global.save_model_dir={json.dumps(str(work / 'run'))}"
    report = check(
        run_config(config, [*overrides, own], *data, work),
        max_bad_share=max_bad_fraction,
        max_leak_share=0.0,  # the gate refuses to evaluate on a single training image
    )
    if report.problems:
        echo(report.text(), err=True)
        first, more = report.problems[0], len(report.problems) - 1
        cause = first.cause + (f" (and {more} more problems, above)" if more else "")
        raise DataError(first.check, cause, first.fix)
    for warning in report.warnings:
        echo(f"warning: {warning.check}: {warning.cause}. {warning.fix}.", err=True)
    return report.markdown()


def share_out(eval_lmdb: Pointer, max_pods: int) -> list[dict[str, int]]:
    """Returns the lines of an evaluation set in as many shares as pods shall read them."""
    lines = int(eval_lmdb.metadata["samples"])
    return [{"first": rows.start, "last": rows.stop} for rows in shares(lines, max_pods)]
