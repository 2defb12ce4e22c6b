import pytest

from ocr_lib.config.location import FieldError
from ocr_lib.runspec.job_options import JobOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"deadline_hours": 0.0}, "deadline_hours: is 0.0. Write more than 0"),
        ({"keep_hours": 0.0}, "keep_hours: is 0.0. Write more than 0"),
        ({"pending_minutes": -1.0}, "pending_minutes: is -1.0. Write 0 or more"),
        ({"restarts": -1}, "restarts: is -1. Write 0 or more"),
        ({"shared_memory": "much"}, "shared_memory: is 'much', which is not a quantity"),
    ],
)
def test_a_value_out_of_range_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        JobOptions(**values)  # type: ignore[arg-type]
