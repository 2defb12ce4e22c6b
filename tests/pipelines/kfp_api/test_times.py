"""Times as Kubeflow's API gives them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pipelines.kfp_api.times import parse_time

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        NOON.replace(tzinfo=None),
        "2026-11-28T12:00:00Z",
        "2026-11-28T13:00:00+01:00",
        "2026-11-28T12:00:00",
        NOON.astimezone(timezone(timedelta(hours=5))),
    ],
)
def test_a_time_is_a_moment_and_without_a_zone_it_is_utc(value: datetime | str) -> None:
    found = parse_time(value)
    assert found == NOON
    assert found is not None
    assert found.tzinfo is not None


@pytest.mark.parametrize(
    "value",
    [None, "", "soon", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", datetime(1, 1, 1),
     datetime(1970, 1, 1, tzinfo=UTC)],
)  # fmt: skip
def test_what_has_not_happened_yet_has_none(value: datetime | str | None) -> None:
    assert parse_time(value) is None
