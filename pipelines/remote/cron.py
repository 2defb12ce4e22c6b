"""Kubeflow's cron expressions: six fields, the first one seconds.

With five fields Kubeflow does not complain: it takes them for the first five of six, so that
`10 10 * * *`, meant as ten past ten each day, starts a run every hour.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from ocr_lib.errors import ConfigError

FIELDS = ("second", "minute", "hour", "day of month", "month", "day of week")
ALLOWED = re.compile(r"[0-9A-Za-z*/,?-]+")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
NAMES = {*MONTHS, *DAYS}
CLOSEST = timedelta(minutes=1)


def check_cron(expression: str) -> str:
    """Returns a six-field cron expression with single blanks.

    Raises:
        ConfigError: other than six fields, a field out of range, or runs less than a minute apart.
    """
    fields = expression.split()
    if len(fields) == 5:
        raise _refused(
            expression,
            "five fields: Kubeflow takes the first of six for seconds, so this would run at "
            "quite other times",
            f"Put a 0 before it: 0 {' '.join(fields)}",
        )
    if len(fields) != 6:
        fix = f"Give {', '.join(FIELDS)}: 0 0 3 * * * is three o'clock each day"
        raise _refused(expression, f"{len(fields)} fields instead of six", fix)
    for name, field in zip(FIELDS, fields, strict=True):
        letters = set(re.findall("[A-Z]+", field.upper()))
        if not ALLOWED.fullmatch(field) or letters - NAMES or _sunday_is_7(name, field):
            fix = "Use numbers, *, -, comma and /; Sunday is 0"
            raise _refused(expression, f"the {name} {field!r} is not understood", fix)
    found = " ".join(fields)
    try:
        times = list(islice(_times(found, datetime.now(UTC)), 3))
    except (CroniterError, ValueError) as error:
        raise _refused(expression, str(error).rstrip("."), "Check the field's range") from None
    if any(b - a < CLOSEST for a, b in pairwise(times)):
        raise _refused(expression, "fires more than once a minute", "Give 0 as its first field")
    return found


def next_times(expression: str, count: int, zone: tzinfo, now: datetime) -> list[datetime]:
    """Returns when an expression fires next, in a time zone."""
    return list(islice(_times(expression, now.astimezone(zone)), count))


def find_zone(name: str) -> tzinfo:
    """Returns a time zone by its name, as `Europe/Berlin`.

    Raises:
        ConfigError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError("--timezone", f"no zone {name!r}", "Give one as Europe/Berlin") from None


def _sunday_is_7(name: str, field: str) -> bool:
    return name == "day of week" and "7" in field


def _times(expression: str, start: datetime) -> Iterator[datetime]:
    found = croniter(expression, start, second_at_beginning=True)
    while True:
        yield found.get_next(datetime)


def _refused(expression: str, cause: str, fix: str) -> ConfigError:
    return ConfigError("--cron", f"{expression!r}: {cause}", fix)
