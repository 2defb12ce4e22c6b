"""Why a rank or pod ended, in its words."""

import errno

import pytest

from ocr_lib.errors import DataError, OcrError, ServiceError
from ocr_lib.jobs.termination_reason import describe
from ocr_lib.storage.s3 import DigestError, RefusedError


@pytest.mark.parametrize(
    ("error", "kind", "cause"),
    [
        (DataError("a", "b", "C"), "data", "a: b. C."),
        (DigestError("damaged."), "data", "damaged."),
        (RefusedError("refused."), "keys", "refused."),
        (ServiceError("away."), "store", "away."),
        (OcrError("the loss is not finite."), "nonfinite", "the loss is not finite."),
        (MemoryError(), "oom", "it ran out of memory"),
        (OSError(errno.ENOSPC, "No space", "/run/x"), "error", "/run/x: the disk is full. Free"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x"), "error", "FileNotFoundError: "),
    ],
)
def test_each_error_has_a_kind_and_a_cause(error: Exception, kind: str, cause: str) -> None:
    reason = describe(error)
    assert reason.kind == kind
    assert reason.cause.startswith(cause)
