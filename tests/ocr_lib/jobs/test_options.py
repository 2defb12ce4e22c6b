from typing import Any

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.jobs.options import JobOptions


def test_nothing_said_gives_the_defaults() -> None:
    assert JobOptions.from_dict({}) == JobOptions()


def test_numbers_come_as_a_pipeline_holds_them() -> None:
    options = JobOptions.from_dict(
        {"retries": 3.0, "deadline_hours": 5, "image_pull_secrets": ["a"]}
    )
    assert (options.retries, options.deadline_hours) == (3, 5.0)
    assert options.image_pull_secrets == ("a",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"retry": 1},
            "train_job_options.retry: is not a known key. The nearest known name is re",
        ),
        ({"retries": 1.5}, "train_job_options.retries: is 1.5. Write a whole number"),
        ({"retries": True}, "train_job_options.retries: is True. Write a whole number"),
        ({"deadline_hours": 0}, "train_job_options.deadline_hours: is 0.0. Write more than 0"),
        ({"pending_minutes": -1}, "train_job_options.pending_minutes: is -1.0. Write 0 or more"),
        ({"shared_memory": "much"}, "train_job_options.shared_memory: is 'much', which is not a q"),
        ({"image_pull_secrets": [1]}, "train_job_options.image_pull_secrets.0: is 1. Write a text"),
        ({"kueue_queue": 1}, "train_job_options.kueue_queue: is 1. Write a text"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        JobOptions.from_dict(values)
    assert message in str(error.value)
