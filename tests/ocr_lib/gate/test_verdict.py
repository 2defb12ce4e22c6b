"""The gate's answer as JSON."""

import json

from ocr_lib.gate import Verdict, decide
from tests.ocr_lib.gate.shares import LIMITS, share


def test_verdict_survives_json() -> None:
    verdict = decide(share(930), share(950), LIMITS)
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict
