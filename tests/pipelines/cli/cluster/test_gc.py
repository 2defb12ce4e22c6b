"""`ocr gc`: what it prints, and that it deletes only where it is told to."""

import json
from pathlib import Path

import pytest

from ocr_lib.registry.retention import RetentionPolicy, load_policy
from pipelines.cli.main import main
from tests.ocr_lib.registry.used_bucket import UsedBucket, bucket
from tests.pipelines.cli.command import call

__all__ = ["bucket"]


def test_it_says_what_it_would_delete_and_deletes_when_told(
    bucket: UsedBucket, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.add_data("old")
    bucket.store.put_bytes("sources/train.tar", b"x" * 1234)
    bucket.age(100)
    bucket.add_data("young")

    assert call("gc") == 0
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        "kind state items objects size reason",
        f"datasets expired 1 3 {size(bucket, 'old')} B not used for 90 days",
        f"datasets kept 1 3 {size(bucket, 'young')} B younger than min_age_s",
        "sources kept 1 1 1.2 kB kept for ever by the policy",
        "nothing was deleted; give --delete to delete what has expired",
    ]
    assert bucket.store.list("datasets/old/")

    assert call("gc", "--delete", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["deleted"] is True
    assert [item["reason"] for item in report["items"]] == ["not used for 90 days"]
    assert not bucket.store.list("datasets/old/")
    assert len(bucket.store.list("datasets/young/")) == 3
    assert call("gc", "--delete") == 0
    assert capsys.readouterr().out == "nothing has expired\n"


def size(bucket: UsedBucket, name: str) -> int:
    return sum(item.size for item in bucket.store.list(f"datasets/{name}/"))


def test_an_empty_bucket_is_no_error(
    bucket: UsedBucket, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("gc") == 0
    assert capsys.readouterr().out == "there is nothing in the store\n"


def test_a_policy_is_shown_and_given(
    bucket: UsedBucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("gc", "--show-policy") == 0
    file = tmp_path / "retention.yml"
    file.write_text(capsys.readouterr().out)
    assert load_policy(file) == RetentionPolicy()
    bucket.store.put_bytes("sources/train.tar", b"x")
    bucket.age(100)
    file.write_text("sources_days: 50\n")
    assert call("gc", "--policy", file) == 0
    assert "not used for 50 days" in capsys.readouterr().out
    file.write_text("sources_dayz: 50\n")
    assert main(["gc", "--policy", str(file), "--delete"]) == 2
    assert f"{file}:1: sources_dayz" in capsys.readouterr().err
    assert bucket.store.list("sources/")
