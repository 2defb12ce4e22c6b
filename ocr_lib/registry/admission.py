"""Whether a bundle may serve at all: certified, passed by a gate, and able to read.

Training's pipeline exports only what its gate passed, and writes no bundle without a certificate.
Bundles that came about in another way, by hand or in an earlier release, are deployed by force
only, with a reason that stays with the version.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ocr_lib.errors import DataError
from ocr_lib.inference.bundle import PARITY, Bundle, BundleError
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.judgement import Judgement
from ocr_lib.registry.production import Production

LIMITS = {"max_abs_diff": "allowed_abs_diff", "max_score_diff": "allowed_score_diff"}


def check_admission(
    where: str, bundle: Bundle, golden: Sequence[GoldenImage], production: Production | None
) -> None:
    """Checks that a bundle may serve; one that serves already may go on.

    Args:
        where: the bundle's address, for the message.
        bundle: opened, its files verified.
        golden: what the exported model reads on the images of the deployment.
        production: what serves now.

    Raises:
        DataError: it has no passing certificate or gate, or reads nothing.
    """
    if production and production.digest == bundle.digest:
        return
    if reasons := list(_reasons(bundle, golden)):
        raise DataError(
            where,
            f"not fit to serve: {'; '.join(reasons)}",
            "Run the pipeline, which evaluates and certifies it, or deploy it all the same with "
            "`ocr deploy --force --reason TEXT`",
        )


def _reasons(bundle: Bundle, golden: Sequence[GoldenImage]) -> Iterator[str]:
    judgement = Judgement.from_dict(bundle.info.get("lineage"))
    if judgement is None:
        yield "no gate has judged it"
    elif not judgement.passed:
        yield "the gate refused it"
    certificate = _certificate(bundle)
    if certificate is None:
        yield f"it has no certificate ({PARITY})"
    elif not _passes(certificate):
        yield f"its certificate ({PARITY}) does not say that it computes what was trained"
    lines = (certificate or {}).get("lines")
    if not any(item.recognition.text for item in golden):
        yield f"it reads nothing on any of {len(golden)} golden images"
    elif isinstance(lines, list) and not any(_text(line) for line in lines):
        yield f"it reads nothing on any of the {len(lines)} images of its certificate"


def _certificate(bundle: Bundle) -> dict[str, Any] | None:
    """Returns what `parity.json` holds, {} for something else; None where the bundle has none."""
    if PARITY not in bundle.info["files"]:
        return None
    try:
        return bundle.parity
    except BundleError:
        return {}


def _passes(certificate: dict[str, Any]) -> bool:
    if certificate.get("texts_equal") is not True:
        return False
    pairs = [(certificate.get(name), certificate.get(limit)) for name, limit in LIMITS.items()]
    return all(
        isinstance(value, int | float) and isinstance(limit, int | float) and value <= limit
        for value, limit in pairs
    )


def _text(line: object) -> str:
    return str(line.get("text") or "") if isinstance(line, dict) else ""
