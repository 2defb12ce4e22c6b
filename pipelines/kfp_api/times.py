"""Times as Kubeflow's API gives them: what has not happened yet has a time too."""

from datetime import UTC, datetime

_FIRST_YEAR = 1971  # 0001-01-01: a task that goes on; 1970-01-01: a run that does


def parse_time(value: datetime | str | None) -> datetime | None:
    """Returns the time; None for what has not happened yet.

    Args:
        value: of the generated client, or RFC 3339 as in a workflow.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if value is None or value.year < _FIRST_YEAR:
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
