"""A bundle that is not certified, was not let pass by a gate, or reads nothing, does not serve."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ocr_lib.errors import DataError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.registry.admission import check_admission
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.judgement import Judgement
from ocr_lib.registry.production import Production
from ocr_lib.text.recognition import Recognition
from tests.ocr_lib.serving.tiny_bundle import PASSING, write_bundle

JUDGED = Judgement.against(None).to_dict()
REFUSED = Judgement.against(None, passed=False).to_dict()


def golden(*texts: str) -> list[GoldenImage]:
    return [GoldenImage(f"{n}.png", b"", Recognition(text, 0.5)) for n, text in enumerate(texts)]


def opened(
    folder: Path, lineage: Mapping[str, str] | None, certificate: Mapping[str, Any] | None
) -> Bundle:
    return Bundle.open(write_bundle(folder / "b", lineage=lineage, certificate=certificate))


def test_what_a_pipeline_exports_may_serve(tmp_path: Path) -> None:
    bundle = opened(tmp_path, JUDGED, PASSING)
    check_admission("b", bundle, golden("", "abc"), None)  # one line may well be empty
    before = {name: value for name, value in JUDGED.items() if name != "gate_passed"}
    check_admission("b", opened(tmp_path / "earlier", before, PASSING), golden("abc"), None)


@pytest.mark.parametrize(
    ("lineage", "certificate", "texts", "complaint"),
    [
        (None, PASSING, ["a"], "no gate has judged it"),
        ({"run": "r"}, PASSING, ["a"], "no gate has judged it"),
        (REFUSED, PASSING, ["a"], "the gate refused it"),
        (JUDGED, None, ["a"], r"no certificate \(parity.json\)"),
        (JUDGED, {**PASSING, "texts_equal": False}, ["a"], "does not say that it computes"),
        (JUDGED, {**PASSING, "texts_equal": "yes"}, ["a"], "does not say that it computes"),
        (JUDGED, {**PASSING, "max_abs_diff": 0.1}, ["a"], "does not say that it computes"),
        (JUDGED, {**PASSING, "max_abs_diff": float("nan")}, ["a"], "does not say that it"),
        (JUDGED, {**PASSING, "max_score_diff": None}, ["a"], "does not say that it computes"),
        (JUDGED, {}, ["a"], "does not say that it computes"),
        (JUDGED, PASSING, ["", ""], "reads nothing on any of 2 golden images"),
        (JUDGED, {**PASSING, "lines": [{"text": ""}]}, ["a"], "reads nothing on any of the 1 im"),
        (JUDGED, {**PASSING, "lines": [3, None]}, ["a"], "reads nothing on any of the 2 images"),
        (REFUSED, None, [""], "the gate refused it; it has no certificate.*; it reads nothing"),
    ],
)
def test_what_may_not_serve_is_told_why(
    tmp_path: Path, lineage: Any, certificate: Any, texts: list[str], complaint: str
) -> None:
    bundle = opened(tmp_path, lineage, certificate)
    expected = rf"^s3://b: not fit to serve: .*{complaint}.*--force --reason TEXT`\.$"
    with pytest.raises(DataError, match=expected):
        check_admission("s3://b", bundle, golden(*texts), None)
    serving = Production("m", 1, "s3://b", bundle.digest, [], "2026-01-01")
    check_admission("s3://b", bundle, golden(*texts), serving)  # it serves: nothing changes


@pytest.mark.parametrize("content", ["[1]", "{", "[" * 100_000, "\udcff"])
def test_a_certificate_that_is_none_is_not_taken_for_one(tmp_path: Path, content: str) -> None:
    folder = write_bundle(tmp_path / "b", lineage=JUDGED)
    (folder / "parity.json").write_text(content, errors="surrogateescape")
    bundle = Bundle.open(folder, verify=False)
    with pytest.raises(DataError, match="does not say that it computes"):
        check_admission("b", bundle, golden("a"), None)
