import pytest
from statsmodels.stats.proportion import proportion_confint

from ocr_lib.report.formatting import judged, percent, points, signed, wilson


def test_wilson_interval() -> None:
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)  # published example
    assert wilson(0, 10)[0] == pytest.approx(0.0)
    assert wilson(10, 10)[1] == pytest.approx(1.0)


@pytest.mark.parametrize(("hits", "total"), [(0, 5), (3, 7), (999, 1000), (20_000, 20_000)])
def test_wilson_interval_is_statsmodels(hits: int, total: int) -> None:
    expected = proportion_confint(hits, total, alpha=0.05, method="wilson")
    assert wilson(hits, total) == pytest.approx(expected, abs=1e-6)


def test_points_have_a_sign() -> None:
    assert (points(0.0123), points(-0.5)) == ("+1.23 points", "−50.00 points")
    assert (signed(0.0123), signed(-0.5)) == ("+1.23", "−50.00")


def test_shares_are_percentages() -> None:
    assert percent(0.12345) == "12.35%"


def test_many_decisions_are_too_many() -> None:
    assert judged(1) == "This test set has judged 1 candidate."
    assert judged(1234).startswith("This test set has judged 1,234 candidates. After this many")
