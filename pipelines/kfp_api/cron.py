"""Kubeflow's cron expressions: six fields, the first one seconds.

Kubeflow reads them with robfig/cron v1.2.0, and next times here are computed as there:

- a field with `*` or `?`, `*/n` too, makes both day fields count; otherwise one of them is enough;
- `N-N` is one value, `N/s` starts at N, and a range that goes backwards is an error;
- a local time that a change of the clock skips is skipped, and a repeated hour counts twice.

With five fields Kubeflow does not complain: it takes them for the first five of six, so that
`10 10 * * *`, meant as ten past ten each day, starts a run every hour. An expression that never
fires it takes for one that is always due.

Source: parser.go and spec.go of github.com/robfig/cron v1.2.0, and time.Date of Go's time package.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ocr_lib.errors import ConfigError

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
EPOCH = date(1970, 1, 1)
YEARS = 5  # without a match in this and the next five years the server gives up
MAX_INT = 2**63 - 1  # also the longest duration, in nanoseconds
EXAMPLE = "0 0 3 * * * is three o'clock each day"


class Field(NamedTuple):
    """A field's name, smallest and largest value, and the names of values."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (
    Field("second", 0, 59),
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day of week", 0, 6, DAYS),
)
DESCRIPTORS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
EVERY = "@every "
DURATION_S = {"h": HOUR_S, "m": MINUTE_S, "s": 1}


class CronError(Exception):
    """An expression that the server refuses: the cause, and what to type."""

    def __init__(self, cause: str, fix: str) -> None:
        self.cause, self.fix = cause, fix
        super().__init__(f"{cause}. {fix}.")


@dataclass(frozen=True)
class Interval:
    """`@every`: a delay counted from the time before, at first from the schedule's creation."""

    seconds: int

    @property
    def is_frequent(self) -> bool:
        """Tells whether it fires more than once a minute."""
        return self.seconds < MINUTE_S

    def next(self, after: datetime) -> datetime:
        """Returns the next time, in the zone of `after`."""
        return _at(int(after.timestamp()) + self.seconds, after.tzinfo)


@dataclass(frozen=True)
class Calendar:
    """The values of six fields, and whether a day must match both of its fields (a star)."""

    second: frozenset[int]
    minute: frozenset[int]
    hour: frozenset[int]
    day: frozenset[int]
    month: frozenset[int]
    weekday: frozenset[int]
    both_days: bool

    @property
    def is_frequent(self) -> bool:
        """Tells whether it fires more than once a minute."""
        return len(self.second) > 1

    def next(self, after: datetime) -> datetime | None:
        """Returns the next time, in the zone of `after`, or None where none comes.

        It walks as the server does, from the largest unit to the smallest, because on days without
        a midnight the result depends on the way.
        """
        time, moved, level = _at(int(after.timestamp()) + 1, after.tzinfo), False, 0
        last_year = time.year + YEARS
        while level < len(UNITS):
            unit = UNITS[level]
            if unit.matches(self, time):
                level += 1
                continue
            former = time if moved else unit.start(time)
            time, moved = unit.add_one(former), True
            if time.year > last_year or time.timestamp() <= former.timestamp():
                return None  # the latter: a zone without this whole day, where the server hangs
            if unit.has_wrapped(time):
                level = 0
        return time

    def has_day(self, time: datetime) -> bool:
        """Tells whether a day matches the fields for the month's and the week's days."""
        matches = time.day in self.day, time.isoweekday() % 7 in self.weekday
        return all(matches) if self.both_days else any(matches)


class Unit(NamedTuple):
    """How to walk by a unit of time."""

    matches: Callable[[Calendar, datetime], bool]
    start: Callable[[datetime], datetime]
    add_one: Callable[[datetime], datetime]
    has_wrapped: Callable[[datetime], bool]


def _at(seconds: int, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(seconds, zone)


def _later(time: datetime, seconds: int) -> datetime:
    return _at(int(time.timestamp()) + seconds, time.tzinfo)


def _local(zone: tzinfo | None, days: int, seconds: int) -> datetime:
    """Returns a local time, given as days since 1 January 1 and seconds of the day.

    Of a time that the zone lacks or has twice it takes Go's time.Date's choice.
    """
    wall = days * DAY_S + seconds - EPOCH.toordinal() * DAY_S
    offset = _offset_s(wall, zone)
    if offset:
        offset = _offset_s(wall - offset, zone)
    return _at(wall - offset, zone)


def _offset_s(seconds: int, zone: tzinfo | None) -> int:
    offset = _at(seconds, zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _seconds_of_day(time: datetime) -> int:
    return time.hour * HOUR_S + time.minute * MINUTE_S + time.second


def _next_month(time: datetime) -> datetime:
    first = date(time.year + time.month // 12, time.month % 12 + 1, 1)
    return _local(time.tzinfo, first.toordinal() + time.day - 1, _seconds_of_day(time))


UNITS = (
    Unit(
        matches=lambda fields, time: time.month in fields.month,
        start=lambda time: _local(time.tzinfo, time.replace(day=1).toordinal(), 0),
        add_one=_next_month,
        has_wrapped=lambda time: time.month == 1,
    ),
    Unit(
        matches=Calendar.has_day,
        start=lambda time: _local(time.tzinfo, time.toordinal(), 0),
        add_one=lambda time: _local(time.tzinfo, time.toordinal() + 1, _seconds_of_day(time)),
        has_wrapped=lambda time: time.day == 1,
    ),
    Unit(
        matches=lambda fields, time: time.hour in fields.hour,
        start=lambda time: _local(time.tzinfo, time.toordinal(), time.hour * HOUR_S),
        add_one=lambda time: _later(time, HOUR_S),
        has_wrapped=lambda time: time.hour == 0,
    ),
    Unit(
        matches=lambda fields, time: time.minute in fields.minute,
        start=lambda time: _later(time, -time.second),
        add_one=lambda time: _later(time, MINUTE_S),
        has_wrapped=lambda time: time.minute == 0,
    ),
    Unit(
        matches=lambda fields, time: time.second in fields.second,
        start=lambda time: time,
        add_one=lambda time: _later(time, 1),
        has_wrapped=lambda time: time.second == 0,
    ),
)


def parse_cron(expression: str) -> Calendar | Interval:
    """Reads an expression as the server does; five fields are taken as it takes them.

    Raises:
        CronError: the server refuses it, or, of `@every`, it is more than whole hours, minutes and
            seconds.
    """
    if expression.startswith("@"):
        return _parse_descriptor(expression)
    fields = expression.split()
    if len(fields) not in (5, 6):
        names = ", ".join(field.name for field in FIELDS)
        raise CronError(f"{len(fields)} fields instead of six", f"Give {names}: {EXAMPLE}")
    fields += ["*"] * (6 - len(fields))
    parsed = [_parse_field(text, field) for text, field in zip(fields, FIELDS, strict=True)]
    second, minute, hour, day, month, weekday = (values for values, _ in parsed)
    both_days = parsed[3][1] or parsed[5][1]
    return Calendar(second, minute, hour, day, month, weekday, both_days)


def _parse_descriptor(text: str) -> Calendar | Interval:
    if text in DESCRIPTORS:
        return parse_cron(DESCRIPTORS[text])
    if not text.startswith(EVERY):
        known = ", ".join(("@every 1h30m", *DESCRIPTORS))
        raise CronError("there is no such descriptor", f"There are {known}")
    duration = text.removeprefix(EVERY)
    parts = re.findall("([0-9]{1,10})([hms])", duration)
    seconds = sum(int(number) * DURATION_S[unit] for number, unit in parts)
    if not parts or "".join(map("".join, parts)) != duration or seconds * 10**9 > MAX_INT:
        fix = "Give whole hours, minutes and seconds, as 1h30m; a day is 24h"
        raise CronError(f"the duration {duration!r} is not understood", fix)
    return Interval(max(seconds, 1))


def _parse_field(text: str, field: Field) -> tuple[frozenset[int], bool]:
    """Returns a field's values, and whether a star is among its items."""
    values: set[int] = set()
    has_star = False
    for item in filter(None, text.split(",")):
        item_values, star = _parse_item(item, field)
        values.update(item_values)
        has_star |= star
    return frozenset(values), has_star


def _parse_item(item: str, field: Field) -> tuple[range, bool]:
    bounds, *steps = item.split("/")
    ends = bounds.split("-")
    has_star = ends[0] in ("*", "?")
    if len(steps) > 1 or (len(ends) > 2 and not has_star):
        raise CronError(f"the {field.name} {item!r} is not understood", "Write 0-30/5 for a step")
    step = _number(steps[0], item, field._replace(names=())) if steps else 1
    if has_star:
        low, high = field.low, field.high
    else:
        low = _number(ends[0], item, field)
        high = _number(ends[-1], item, field)
    if len(ends) == 1 and steps:
        high = field.high
    _check_range(low, high, step, item, field)
    return range(low, high + 1, step), has_star


def _check_range(low: int, high: int, step: int, item: str, field: Field) -> None:
    if low < field.low or high > field.high:
        note = "; Sunday is 0" if field.names == DAYS else ""
        cause = f"the {field.name} {item!r} is out of range"
        raise CronError(cause, f"Use {field.low} to {field.high}{note}")
    if low > high:
        cause = f"the {field.name} {item!r} is a range that goes backwards"
        raise CronError(cause, f"Write two: {low}-{field.high},{field.low}-{high}")
    if step == 0:
        raise CronError(f"the {field.name} {item!r} has a step of 0", "Give a step of 1 or more")


def _number(text: str, item: str, field: Field) -> int:
    if text.lower() in field.names:
        return field.low + field.names.index(text.lower())
    if not re.fullmatch("[+]?[0-9]{1,4300}", text, re.ASCII) or int(text) > MAX_INT:
        names = f", names as {field.names[0].upper()}" if field.names else ""
        fix = f"Use numbers{names}, *, -, comma and /"
        raise CronError(f"the {field.name} {item!r} is not understood", fix)
    return int(text)


def check_cron(expression: str) -> str:
    """Returns an expression with single blanks: six fields, or a descriptor such as `@daily`.

    Raises:
        ConfigError: the server refuses it, or would run it at other times than it seems to say,
            never, or more than once a minute.
    """
    text = " ".join(expression.split())
    try:
        schedule = parse_cron(text)
    except CronError as error:
        raise _refused(expression, error.cause, error.fix) from None
    if isinstance(schedule, Calendar) and text.count(" ") == 4:
        raise _refused(
            expression,
            "five fields: Kubeflow takes the first of six for seconds, so this would run at "
            "quite other times",
            f"Put a 0 before it: 0 {text}",
        )
    if schedule.next(datetime.now(UTC)) is None:
        raise _refused(expression, "no date matches it", f"Check day and month: {EXAMPLE}")
    if schedule.is_frequent:
        fix = "Give one number as its first field" if "@" not in text else "Give 1m or more"
        raise _refused(expression, "fires more than once a minute", fix)
    return text


def next_times(
    expression: str, count: int, zone: tzinfo, now: datetime, created: datetime | None = None
) -> list[datetime]:
    """Returns when an expression fires next.

    Args:
        expression: that `parse_cron` reads.
        count: how many times, fewer where no more come.
        zone: of the server.
        now: all times are after it.
        created: when the schedule was made, from which `@every` counts (default: now).

    Raises:
        CronError: the server refuses the expression.
    """
    schedule = parse_cron(expression)
    time: datetime | None = now.astimezone(zone)
    if isinstance(schedule, Interval) and created:
        passed = int((now - created).total_seconds()) // schedule.seconds * schedule.seconds
        time = _later(created.astimezone(zone), passed)
    times: list[datetime] = []
    while time and len(times) < count:
        time = schedule.next(time)
        times += [time] if time else []
    return times


def find_zone(name: str) -> tzinfo:
    """Returns a time zone by its name, as `Europe/Berlin`.

    Raises:
        ConfigError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError("--timezone", f"no zone {name!r}", "Give one as Europe/Berlin") from None


def _refused(expression: str, cause: str, fix: str) -> ConfigError:
    return ConfigError("--cron", f"{expression!r}: {cause}", fix)
