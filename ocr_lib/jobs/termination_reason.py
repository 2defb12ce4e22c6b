"""Why a worker ended, handed on as JSON: rank → agent → pod's status → watcher."""

import json
from pathlib import Path
from typing import NamedTuple

from ocr_lib.errors import (
    MACHINE_FAILURES,
    OcrError,
    ServiceError,
    UserError,
    describe_system,
)
from ocr_lib.jobs.diagnosis import Kind
from ocr_lib.regular_file import read_bounded
from ocr_lib.storage.s3 import DigestError, MissingObjectError, RefusedError

MAX_BYTES = 3000  # the kubelet cuts at 4096


class TerminationReason(NamedTuple):
    """Kind and cause, as a `Diagnosis` has them."""

    kind: Kind
    cause: str


def describe(error: BaseException) -> TerminationReason:
    """Returns kind and cause of an error, for a `Diagnosis`."""
    if isinstance(error, UserError | MissingObjectError | DigestError):
        return TerminationReason("data", str(error))
    if isinstance(error, RefusedError):
        return TerminationReason("keys", str(error))
    if isinstance(error, ServiceError):
        return TerminationReason("store", str(error))
    if isinstance(error, OcrError):  # a TrainingError; its module would import paddle
        return TerminationReason("nonfinite" if "not finite" in str(error) else "error", str(error))
    if isinstance(error, MemoryError):
        return TerminationReason("oom", "it ran out of memory")
    if isinstance(error, OSError) and error.errno in MACHINE_FAILURES:
        return TerminationReason("error", describe_system(error))
    return TerminationReason("error", f"{type(error).__name__}: {error}")


def write_reason(path: Path, reason: TerminationReason) -> None:
    """Writes a reason, cut to what a pod's status holds."""
    cause = " ".join(reason.cause.split())
    while len(text := json.dumps({"kind": reason.kind, "cause": cause})) > MAX_BYTES:
        cause = cause[: len(cause) * 3 // 4]
    path.write_text(text, "utf-8")


def read_reasons(folder: Path) -> list[TerminationReason]:
    """Returns what the ranks of this machine wrote, in the order of ranks."""
    reasons = []
    for path in sorted(folder.glob("reason-*.json")):
        try:
            reasons.append(TerminationReason(**json.loads(read_bounded(path))))
        except (OSError, ValueError, TypeError):
            continue
    return reasons
