"""The train step as a program, as its pod would run it: `python -m tests.cluster.step_program`.

Settings come as JSON on standard input. Every look at the cluster is written to `looks`, so that
what the operator did can be replayed through the watcher.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from components.step_context import StepContext
from components.train.step import TrainStepRequest, train
from ocr_lib.errors import OcrError
from ocr_lib.jobs.log_tailer import LogTailer
from ocr_lib.jobs.watch import Observation
from ocr_lib.log_config import logging_configured
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store


def record(path: str) -> None:
    """Writes each look to a file, one JSON object a line."""
    look_at = LogTailer.look
    file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - for the life of the process

    def look(self: LogTailer, name: str) -> Observation:
        seen = look_at(self, name)
        file.write(json.dumps(asdict(seen)) + "\n")
        file.flush()
        return seen

    LogTailer.look = look  # type: ignore[method-assign]


def main() -> int:
    given: dict[str, Any] = json.load(sys.stdin)
    if given.get("looks"):
        record(given["looks"])
    task = SimpleNamespace(**given["task"])
    try:
        request = TrainStepRequest(
            run=given["run"],
            spec=ArtifactRef(**given["spec"]),
            train=ArtifactRef(**given["train"]),
            validation=ArtifactRef(**given["validation"]),
            task=task,
        )
        context = StepContext(Store.from_env(), Path(tempfile.mkdtemp()))
        with logging_configured(run=request.run, step="train"):
            pointer = train(context, request)
    except OcrError as error:
        sys.stderr.write(f"train: {error}\n")
        return error.exit_code
    sys.stdout.write(f"RESULT {json.dumps(asdict(pointer))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
