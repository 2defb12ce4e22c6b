import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import ConfigError
from pipelines.kfp_api.cron import CronError, check_cron, find_zone, next_times, parse_cron

RECORDED = Path(__file__).parent / "recorded" / "robfig-cron-v1.2.0.json"
ANSWERS = json.loads(RECORDED.read_text())["answers"]
NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    ["0 0 3 * * *", "0 */15 * * * *", "30 0 6 1,15 * ?", "0 0 22 * JAN-MAR SUN", "@weekly"],
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
        ("0 0 3 * * 7", "day of week '7' is out of range.*Sunday is 0"),
        ("0 0 22-2 * * *", "hour '22-2' is a range that goes backwards.*22-23,0-2"),
        ("0 0 3 L * *", "not understood"),
        ("0 0 3 * * 1#2", "not understood"),
        ("* 0 3 * * *", "more than once a minute"),
        ("0,30 0 3 * * *", "more than once a minute"),
        ("@every 59s", "more than once a minute"),
        ("@every 1.5h", "'1.5h' is not understood"),
        ("@Daily", "no such descriptor.*@daily"),
        ("0 0 3 30 2 *", "no date matches"),
        ("0 0 3 , * *", "no date matches"),
    ],
)
def test_others_are_refused_with_the_reason(expression: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_cron(expression)


def test_times_are_of_the_zone_and_know_its_summer() -> None:
    times = next_times("0 30 2 * * *", 3, find_zone("Europe/Berlin"), NOW)
    shown = [f"{time:%m-%d %H:%M} {time.tzname()}" for time in times]
    assert shown == ["03-30 02:30 CEST", "03-31 02:30 CEST", "04-01 02:30 CEST"]  # not the 29th
    assert [f"{t:%H:%M}" for t in next_times("0 0 3 * * *", 2, UTC, NOW)] == ["03:00", "03:00"]


def test_a_zone_must_exist() -> None:
    with pytest.raises(ConfigError, match="no zone 'Mars/Olympus'"):
        find_zone("Mars/Olympus")


def refused_by_design(expression: str) -> bool:
    """Durations with a sign, a fraction or without a unit: what Go makes of them is a guess."""
    return bool(re.match(r"@every (?!([0-9]+[hms])+$)", expression))


def times_of(answer: dict[str, str]) -> list[str]:
    start = datetime.fromisoformat(answer["start"])
    times = next_times(answer["expression"], 5, find_zone(answer["zone"]), start)
    found = [f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for time in times]
    return found if len(found) == 5 else [*found, "never"]


def test_next_times_are_those_that_the_server_computes() -> None:
    accepted = [
        answer
        for answer in ANSWERS
        if "next" in answer and not refused_by_design(answer["expression"])
    ]
    assert len(accepted) > 500
    wrong = [answer for answer in accepted if times_of(answer) != answer["next"]]
    assert wrong == []


@pytest.mark.parametrize(
    "expression", sorted({answer["expression"] for answer in ANSWERS if "error" in answer})
)
def test_what_the_server_refuses_is_refused(expression: str) -> None:
    with pytest.raises(CronError):
        parse_cron(expression)


def test_an_interval_is_counted_from_the_creation() -> None:
    created = datetime(2026, 3, 1, 8, 20, 30, tzinfo=UTC)
    times = next_times("@every 5h", 2, UTC, NOW, created)
    assert [(time - created) % timedelta(hours=5) for time in times] == [timedelta(0)] * 2
    assert NOW < times[0] <= NOW + timedelta(hours=5)
    assert times[1] - times[0] == timedelta(hours=5)


def test_a_zone_without_a_whole_day_ends() -> None:
    start = datetime(2011, 12, 28, 12, tzinfo=UTC)
    assert next_times("0 0 0 31 12 *", 1, find_zone("Pacific/Apia"), start) == []


@given(st.text(max_size=30) | st.from_regex(r"[0-9*/,-]{1,4}( [0-9*/,-]{1,4}){5}", fullmatch=True))
def test_any_text_is_accepted_or_refused(text: str) -> None:
    try:
        found = check_cron(text)
    except ConfigError:
        return
    first, second = next_times(found, 2, UTC, NOW)
    assert NOW < first < second
