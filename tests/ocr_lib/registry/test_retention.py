"""The retention policy: a document with bounds, so that no mistake deletes what is in use."""

from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.registry.retention import RetentionPolicy, load_policy
from ocr_lib.runspec.partition import CACHE_DAYS


def test_the_policy_that_is_shown_is_read_as_it_was(tmp_path: Path) -> None:
    policy = RetentionPolicy(keep_versions=2, sources_days=10.0, runs_days=None)
    (tmp_path / "retention.yml").write_text(policy.to_yaml())
    assert load_policy(tmp_path / "retention.yml") == policy


def test_keys_that_are_left_out_keep_their_defaults(tmp_path: Path) -> None:
    (tmp_path / "retention.yml").write_text("runs_days: 30\n")
    assert load_policy(tmp_path / "retention.yml") == RetentionPolicy(runs_days=30)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("min_age_s: 3600", r"retention.yml:1: min_age_s: is 3600, less than a day"),
        ("\nruns_days: -1", r"retention.yml:2: runs_days: is -1, and 0 is the least"),
        (f"datasets_days: {CACHE_DAYS}", r"datasets_days: is 30, and 60 is the least: Kubeflow's"),
        ("keep_versions: -1", r"keep_versions: is -1. Write 0 or more"),
        ("runs: 3", r"runs: is not a known key"),
        ("runs_days: .inf", r"runs_days: is .*inf"),
        ("- 1", r"not a block of keys"),
        ("\xff", "retention.yml: cannot be read"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "retention.yml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=message):
        load_policy(tmp_path / "retention.yml")


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yml: cannot be read"):
        load_policy(tmp_path / "none.yml")
