import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import Verdict, decide
from ocr_lib.gate.statistics import sign_test
from tests.ocr_lib.gate.reports import report
from tests.ocr_lib.gate.shares import LIMITS, share


def failed(verdict: Verdict) -> list[str]:
    return [reason.name for reason in verdict.reasons if not reason.passed]


# candidate, champion, reasons that fail
TABLE = [
    (share(950), None, []),  # first run: the thresholds alone
    (share(900), None, []),  # exactly at the threshold
    (share(899), None, ["accuracy"]),
    (share(475, 499), None, ["samples"]),
    (report([1] * 1000, similarity=0.89), None, ["norm_edit_dis"]),
    (report([1] * 1000, similarity=math.nan), None, ["norm_edit_dis"]),
    (replace(share(950), accuracy=math.nan), None, ["accuracy"]),
    (replace(share(950), unreadable=10), None, []),
    (replace(share(950), unreadable=11), None, ["readable images"]),
    (share(950), share(950), []),  # equal
    (share(980), share(950), []),  # better
    (share(980), replace(share(950), dataset_digest="other"), ["champion"]),
    (share(940), share(950), ["paired test"]),  # 10 lines lost, none won: no accident
    # the same drop with wins and losses on 90 lines may be one
    (report([1] * 40 + [0] * 50 + [1] * 910), report([0] * 40 + [1] * 960), []),
    (share(939), share(950), ["accuracy drop", "paired test"]),
    (share(910), share(990), ["accuracy drop", "paired test"]),
]


@pytest.mark.parametrize(("candidate", "champion", "reasons"), TABLE)
def test_decision(candidate: EvalReport, champion: EvalReport | None, reasons: list[str]) -> None:
    verdict = decide(candidate, champion, LIMITS)
    assert failed(verdict) == reasons
    assert verdict.passed is (not reasons)


def test_reasons_carry_their_figures() -> None:
    verdict = decide(share(930), share(950), LIMITS)
    drop = next(reason for reason in verdict.reasons if reason.name == "accuracy drop")
    assert (drop.candidate, drop.champion) == (0.93, 0.95)
    assert drop.limit == pytest.approx(0.94)
    assert drop.words.startswith("accuracy -0.0200 against the serving model's 0.9500")


def test_first_run_is_said() -> None:
    words = [reason.words for reason in decide(share(950), None, LIMITS).reasons]
    assert "no model serves yet: the thresholds alone decide" in words


@given(st.integers(0, 60), st.integers(0, 60))
def test_sign_test_is_the_binomial_tail(wins: int, losses: int) -> None:
    total = wins + losses
    exact = sum(math.comb(total, k) for k in range(losses, total + 1)) / 2**total
    assert sign_test(wins, losses) == pytest.approx(exact, rel=1e-9)


def test_sign_test_of_many_lines() -> None:
    assert sign_test(0, 0) == 1.0
    assert sign_test(50_000, 50_000) == pytest.approx(0.5, abs=2e-3)
    assert sign_test(100_000, 10) == pytest.approx(1.0, abs=1e-9)
