"""Training on one machine whose object store goes away when the result is to be uploaded."""

from pathlib import Path

import pytest

from ocr_lib.jobs import retry
from ocr_lib.jobs.local import train_here
from ocr_lib.jobs.training_job import TrainRequest
from ocr_lib.runspec.config import resolve_config
from ocr_lib.storage.s3 import RefusedError, UnansweredError
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME
from tests.components.packed import pack_lines
from tests.components.run_specs import spec_ref
from tests.fault_proxy import Fault, FaultProxy, Rule, s3_error, status

TINY = (
    "Global.epoch_num=1",
    "Global.character_dict_path=null",
    "Train.loader.batch_size_per_card=4",
    "Architecture.Neck.hidden_size=16",
    "Architecture.Neck.out_channels=[32]",
)
ATTEMPTS = 2  # of one request to a store that fails, see `Store.with_timeout`


def train_through(fault: Fault, store: Store, folder: Path, run: str, **which: int | None) -> Rule:
    """Trains behind a proxy that does this to the write that completes the run."""
    data = pack_lines(store, folder / "train", ["ab", "ba", "a", "b"])
    work = TrainRequest(run, spec_ref(store, *TINY).digest, data, None)
    with FaultProxy(store.client.endpoint) as proxy, pytest.MonkeyPatch.context() as patch:
        rule = proxy.add(fault, method="PUT", key=f"{work.key}/{MANIFEST_NAME}", **which)
        patch.setenv("OCR_S3_ENDPOINT", proxy.endpoint)
        train_here(Store.from_env().with_timeout(20.0), work, folder / "work")
    return rule


def test_a_run_trains_with_the_dictionary_that_was_planned(store: Store, tmp_path: Path) -> None:
    dictionary = tmp_path / "mine.txt"
    dictionary.write_text("a\nb\n")
    overrides = (*TINY, f"Global.character_dict_path={dictionary}")
    config = resolve_config(store, "cpu_line", overrides, 0.0, tmp_path)
    dictionary.write_text("c\n")
    data = pack_lines(store, tmp_path / "train", ["ab", "ba", "a", "b"])
    spec = spec_ref(store, config=config)
    train_here(store, TrainRequest("named", spec.digest, data, None), tmp_path / "work")
    assert (tmp_path / "work" / "run" / "dictionary.txt").read_text() == "a\nb\n"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "RETRY_S", 0.0)


def test_a_result_waits_for_a_store_that_is_away(store: Store, tmp_path: Path) -> None:
    rule = train_through(status(503), store, tmp_path, "waits", times=2 * ATTEMPTS)
    assert rule.injected == 2 * ATTEMPTS
    assert "train.log" in store.get_manifest("runs/waits").files
    assert store.list("runs/waits/snapshots/") == []


def test_a_store_that_stays_away_is_given_up(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "STORE_AWAY_S", 0.0)
    with pytest.raises(UnansweredError, match=r"runs/given-up.* does not answer \(status 503\)"):
        train_through(status(503), store, tmp_path, "given-up", times=None)


def test_refused_keys_are_not_waited_for(store: Store, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="AccessDenied"):
        train_through(s3_error("AccessDenied", 403), store, tmp_path, "refused")
