"""Runs the pipeline on this machine through `kfp.local`: the same DAG, each step a subprocess.

A program of its own, `python -m pipelines.run_local ROOT [rejudge] < arguments.json`: kfp.local
takes over the logging and the output of its process, and who starts it can end it with all its
steps.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from kfp import local


def run_local(arguments: dict[str, Any], root: Path, *, rejudge: bool = False) -> None:
    """Runs the DAG and leaves the steps' artifacts under `root`.

    Args:
        arguments: the pipeline's parameters.
        root: the pipeline root; `<root>/<pipeline>-<time>/<task>/<artifact>` appear below.
        rejudge: whether it is the pipeline that judges a run again.

    Raises:
        RuntimeError: a step failed; its output is on standard output.
    """
    from pipelines.rejudge import build_rejudge
    from pipelines.train_and_deploy import build_pipeline

    # Images, resources and display names mean nothing to subprocesses; kfp says so for each step.
    warnings.filterwarnings("ignore", module="kfp")
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(root))
    build = build_rejudge if rejudge else build_pipeline
    build()(**arguments)


if __name__ == "__main__":
    try:
        run_local(json.load(sys.stdin), Path(sys.argv[1]), rejudge="rejudge" in sys.argv[2:])
    except RuntimeError as error:
        sys.exit(str(error))
