from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import ConfigError
from pipelines.remote.cron import check_cron, find_zone, next_times

NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "expression", ["0 0 3 * * *", "0 */15 * * * *", "30 0 6 1,15 * ?", "0 0 22 * JAN-MAR SUN"]
)
def test_six_fields_are_accepted(expression: str) -> None:
    assert check_cron(f"  {expression.replace(' ', '  ')} ") == expression


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("10 10 * * *", r"five fields.*takes the first of six for seconds.*0 10 10 \* \* \*"),
        ("", "0 fields instead of six"),
        ("0 0 3 * * * 2026", "7 fields"),
        ("0 60 3 * * *", "range"),
        ("0 0 24 * * *", "range"),
        ("0 0 3 * * 7", "day of week '7' is not understood.*Sunday is 0"),
        ("0 0 3 L * *", "not understood"),
        ("0 0 3 * * 1#2", "not understood"),
        ("* 0 3 * * *", "more than once a minute"),
        ("0 0 3 30 2 *", "range|date"),
        ("@daily", "1 fields"),
    ],
)
def test_others_are_refused_with_the_reason(expression: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_cron(expression)


def test_times_are_of_the_zone_and_know_its_summer() -> None:
    times = next_times("0 30 2 * * *", 3, find_zone("Europe/Berlin"), NOW)
    shown = [f"{time:%m-%d %H:%M} {time.tzname()}" for time in times]
    assert shown[1:] == ["03-30 02:30 CEST", "03-31 02:30 CEST"]
    assert [f"{t:%H:%M}" for t in next_times("0 0 3 * * *", 2, UTC, NOW)] == ["03:00", "03:00"]


def test_a_zone_must_exist() -> None:
    with pytest.raises(ConfigError, match="no zone 'Mars/Olympus'"):
        find_zone("Mars/Olympus")


@given(st.text(max_size=30) | st.from_regex(r"[0-9*/,-]{1,4}( [0-9*/,-]{1,4}){5}", fullmatch=True))
def test_any_text_is_accepted_or_refused(text: str) -> None:
    try:
        found = check_cron(text)
    except ConfigError:
        return
    first, second = next_times(found, 2, UTC, NOW)
    assert NOW < first < second
