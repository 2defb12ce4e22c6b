"""What the failures of an S3 call mean, and what to do about each: one sentence."""

import re
import ssl
from typing import Literal, NamedTuple

import urllib3
from minio.error import InvalidResponseError, S3Error, ServerError

NOT_S3 = "no S3 server answers"
BUCKET_STEP = "Use 3 to 63 lower-case letters, digits, dots and hyphens"
NEXT_STEPS = {
    "NoSuchBucket": "Create the bucket, or set OCR_S3_BUCKET to one that exists",
    "InvalidBucketName": BUCKET_STEP,
    "NoSuchKey": "Run the step that writes this object first",
    "AccessDenied": "Check AWS_ACCESS_KEY_ID and what its owner may do",
    "InvalidAccessKeyId": "Check AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "Check AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION",
    "AuthorizationHeaderMalformed": "Set AWS_DEFAULT_REGION to the region of the bucket",
    "PermanentRedirect": "Set OCR_S3_ENDPOINT and AWS_DEFAULT_REGION to those of the bucket",
    "ExpiredToken": "These credentials have expired: set new ones",
    "InvalidToken": "These credentials are not valid here: set new ones",
    "RequestTimeTooSkewed": "The clock of this machine and that of the store differ by more than "
    "15 minutes: set the wrong one, or let both follow a time server",
    "RequestExpired": "The clock of this machine and that of the store differ: set the wrong one",
    "SlowDown": "The store is asked for too much: run this again later, or fewer at a time",
    "QuotaExceeded": "Free some room in the bucket, or raise its quota",
    "XMinioStorageFull": "Free some room on the store's disks",
    "MethodNotAllowed": "Check OCR_S3_ENDPOINT and the retention of the bucket",
    NOT_S3: "Check OCR_S3_ENDPOINT: a web page, a console or a proxy answers there, not an S3 API",
}
DAMAGED_ON_THE_WAY = ("BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody")
NEXT_STEPS |= dict.fromkeys(
    DAMAGED_ON_THE_WAY,
    "It was damaged on its way to the store: check the network and what stands before the store, "
    "then run this again",
)
OTHER_STEP = "Look into the store's log"

CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", "OperationAborted")
REFUSALS = (
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "RequestExpired",
)
MISSING = ("NoSuchKey", "NoSuchBucket", "NoSuchUpload")
PASSING = ("SlowDown", "RequestTimeout")

Kind = Literal["conflict", "missing", "refused", "damaged", "unanswered", "failed"]


class Explanation(NamedTuple):
    """What a failure means.

    Attributes:
        kind: which error of the client it is.
        code: that of S3, `NOT_S3`, or "" where the store did not answer.
        text: cause and next step, after "cannot read: ".
    """

    kind: Kind
    code: str
    text: str


def explain(error: Exception) -> Explanation:
    """Returns what an exception of minio or urllib3, or one that parsing raised, means."""
    if certificate := _find(error, ssl.SSLError):
        return Explanation("failed", "", _tls_text(certificate))
    if isinstance(error, urllib3.exceptions.HTTPError):
        return _unanswered(_reason(error))
    code = code_of(error)
    if not code:
        return _unanswered(f"status {status_of(error)}")
    step = NEXT_STEPS.get(code, OTHER_STEP)
    if code == "AuthorizationHeaderMalformed" and (region := _region(error)):
        step = f"Set AWS_DEFAULT_REGION to {region}"
    return Explanation(_kind(code, status_of(error)), code, f"{code}. {step}.")


def code_of(error: Exception) -> str:
    """Returns the S3 error code in an exception; "" where the store failed without one."""
    if isinstance(error, S3Error):
        return str(error.code)
    if isinstance(error, InvalidResponseError):  # rclone's errors lack the content type minio wants
        match = re.search(r"<Code>(\w+)</Code>", str(error))
        if match:
            return match[1]
    if status_of(error) >= 500:
        return ""
    if isinstance(error, ValueError) and "bucket name" in str(error).lower():  # minio's own check
        return "InvalidBucketName"
    return NOT_S3


def status_of(error: Exception) -> int:
    """Returns the HTTP status that an exception is about, 0 where it is about none."""
    if isinstance(error, S3Error):
        return int(error.response.status) if error.response is not None else 0
    if isinstance(error, ServerError):
        return int(error.status_code)
    if isinstance(error, InvalidResponseError):
        match = re.search(r"Response code: (\d+)", str(error))
        return int(match[1]) if match else 0
    return 0


def _kind(code: str, status: int) -> Kind:
    if code in CONFLICTS:
        return "conflict"
    if code in MISSING:
        return "missing"
    if code in REFUSALS:
        return "refused"
    if code in DAMAGED_ON_THE_WAY:
        return "damaged"
    return "unanswered" if code in PASSING or status >= 500 else "failed"


def _unanswered(reason: str) -> Explanation:
    step = "Check OCR_S3_ENDPOINT and that the store runs"
    return Explanation("unanswered", "", f"the store does not answer ({reason}). {step}.")


def _tls_text(error: ssl.SSLError) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        cause = f"TLS fails ({error.reason or error})"
        return f"{cause}. Check OCR_S3_ENDPOINT: http:// and https:// are different ports."
    cause = f"its certificate is not trusted ({error.verify_message.rstrip('.')})"
    if error.verify_code in (62, 64):  # of another host name, of another address
        return f"{cause}. Give the name in the certificate in OCR_S3_ENDPOINT."
    if error.verify_code in (9, 10):  # not valid yet, or no more
        return f"{cause}. Renew it, or set this machine's clock."
    return f"{cause}. Name a PEM file with its authority's certificate in OCR_CA_FILE."


def _region(error: Exception) -> str:
    """Returns the region that an answer names as the right one."""
    response = getattr(error, "response", None)
    body = response.data.decode("utf-8", "replace") if response is not None else str(error)
    match = re.search(r"<Region>([\w-]{1,64})</Region>", body)
    return match[1] if match else ""


def _find(error: BaseException | None, kind: type[ssl.SSLError]) -> ssl.SSLError | None:
    """Returns the TLS error that an exception was raised for."""
    for _ in range(10):
        if error is None or isinstance(error, kind):
            return error
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((item for item in error.args if isinstance(item, BaseException)), None)
        error = inner or error.__cause__
    return None


def _reason(error: Exception) -> str:
    """Shortens an urllib3 exception to its innermost cause."""
    reason = getattr(error, "reason", None) or error
    return str(reason).rsplit(": ", 1)[-1]
