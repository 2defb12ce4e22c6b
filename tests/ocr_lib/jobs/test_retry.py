"""What is tried again while the object store is away, and what is not."""

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.jobs import retry as patience
from ocr_lib.jobs.retry import with_retries
from ocr_lib.jobs.termination_reason import describe
from ocr_lib.storage.s3 import RefusedError
from ocr_lib.storage.store import Store


def test_a_store_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "RETRY_S", 0.0)
    answers, said = iter([ServiceError("away."), ServiceError("away."), 7]), list[str]()

    def ask() -> int:
        answer = next(answers)
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    assert with_retries(ask, said.append) == 7
    assert said == ["away. Trying again."] * 2


def test_refused_keys_are_said_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_json("there.json", {})
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    stranger, said = Store.from_env(), list[str]()
    with pytest.raises(RefusedError, match="AWS_SECRET_ACCESS_KEY") as caught:
        with_retries(lambda: stranger.get_json("there.json"), said.append)
    assert said == []
    assert describe(caught.value).kind == "keys"
