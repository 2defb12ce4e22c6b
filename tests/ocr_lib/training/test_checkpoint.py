"""Checkpoints: paddle reads them, crashes leave a whole one, foreign code is not run."""

import errno
import itertools
import os
import pickle
import re
import shutil

import numpy as np
import paddle
import pytest

from ocr_lib.errors import CheckpointError
from ocr_lib.training import checkpoint, safe_pickle, weights
from tests.killed import Killed


def network(seed=0):
    paddle.seed(seed)
    return paddle.nn.Sequential(paddle.nn.Linear(3, 4), paddle.nn.BatchNorm1D(4))


def trained(seed=0):
    model = network(seed)
    optimizer = paddle.optimizer.AdamW(0.1, parameters=model.parameters())
    model(paddle.ones([2, 3])).sum().backward()
    optimizer.step()
    return model, optimizer


def save(prefix, seed=0, step=1):
    model, optimizer = trained(seed)
    checkpoint.save(prefix, model.state_dict(), optimizer.state_dict(), {"global_step": step})
    return model, optimizer


def test_what_is_saved_comes_back(tmp_path):
    model, optimizer = save(tmp_path / "latest", step=7)
    saved = checkpoint.load(tmp_path / "latest")
    assert saved.states == {"global_step": 7}
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(saved.params[name], value.numpy())
    assert set(saved.optimizer) == set(optimizer.state_dict())


def test_paddle_reads_the_files(tmp_path):
    model, optimizer = save(tmp_path / "latest")
    other = network(seed=5)
    other.set_state_dict(paddle.load(str(tmp_path / "latest.pdparams")))
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert set(paddle.load(str(tmp_path / "latest.pdopt"))) == set(optimizer.state_dict())


def test_files_that_paddle_wrote_are_read(tmp_path):
    model, optimizer = trained()
    paddle.save(model.state_dict(), str(tmp_path / "best.pdparams"))
    paddle.save(optimizer.state_dict(), str(tmp_path / "best.pdopt"))
    saved = checkpoint.load(tmp_path / "best.pdparams")
    assert weights.match(network(), saved.params).share == 1.0
    assert saved.states == {}


@pytest.mark.parametrize("renames", range(4))
def test_a_crash_at_any_point_leaves_one_whole_checkpoint(tmp_path, monkeypatch, renames):
    """Dies at each rename of the second save in turn; what is loaded is the old set or the new."""
    prefix = tmp_path / "latest"
    old, _ = save(prefix, seed=1, step=1)
    new, optimizer = trained(seed=2)

    real, calls = checkpoint._publish, []

    def crash(prefix, files):
        for suffix in checkpoint.SUFFIXES[:renames]:
            os.replace(checkpoint._staged(prefix, suffix), f"{prefix}{suffix}")
        calls.append(files)
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "_publish", crash)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(prefix, new.state_dict(), optimizer.state_dict(), {"global_step": 2})
    monkeypatch.setattr(checkpoint, "_publish", real)
    saved = checkpoint.load(prefix)
    assert calls
    assert saved.states == {"global_step": 2}  # the manifest was written: the new set counts
    np.testing.assert_array_equal(saved.params["0.weight"], new.state_dict()["0.weight"].numpy())
    assert not np.array_equal(old.state_dict()["0.weight"].numpy(), saved.params["0.weight"])


def test_a_crash_before_the_manifest_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    prefix = tmp_path / "latest"
    save(prefix, seed=1, step=1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_json", full)
    with pytest.raises(OSError, match="No space left"):
        save(prefix, seed=2, step=2)
    assert checkpoint.load(prefix).states == {"global_step": 1}


def test_a_kill_at_any_call_leaves_the_old_or_the_new_checkpoint_and_nothing_else(memory_path):
    new, _ = trained(seed=2)
    params = {name: value.numpy() for name, value in new.state_dict().items()}
    files = {f"best{suffix}" for suffix in (*checkpoint.SUFFIXES, ".json")}
    killed = Killed(lambda: checkpoint.save(memory_path / "best", params, {}, {"global_step": 2}))
    steps = []
    for number in itertools.count(1):
        save(memory_path / "best", seed=1, step=1)
        was_killed = killed.at(number)
        checkpoint.recover(memory_path)
        assert {path.name for path in memory_path.iterdir()} == files
        steps.append(checkpoint.load(memory_path / "best").states["global_step"])
        if not was_killed:
            break
    assert steps == sorted(steps)
    assert steps.count(1) > 10
    assert steps.count(2) > 3


def save_at(prefix, step, previous=None):
    checkpoint.save(prefix, {}, {}, {"global_step": step}, previous)


def test_the_checkpoint_before_stays_unless_it_is_damaged(tmp_path):
    latest, previous = tmp_path / "latest", tmp_path / "previous"
    save_at(latest, 1, previous)
    assert checkpoint.newest_first(tmp_path) == [latest]
    for step in (2, 3):
        save_at(latest, step, previous)
    assert checkpoint.newest_first(tmp_path) == [latest, previous]
    assert checkpoint.load(previous).states == {"global_step": 2}
    (tmp_path / "latest.states").write_bytes(b"damaged meanwhile")
    assert not checkpoint.is_intact(latest)
    save_at(latest, 4, previous)
    assert checkpoint.load(latest).states == {"global_step": 4}
    assert checkpoint.load(previous).states == {"global_step": 2}


def test_of_equal_steps_the_latest_is_first_and_the_best_last(tmp_path):
    names = ["latest", "previous", "iter_epoch_2", "best_accuracy"]
    for name in reversed(names):
        save_at(tmp_path / name, 8)
    assert [prefix.name for prefix in checkpoint.newest_first(tmp_path)] == names
    save_at(tmp_path / "best_accuracy", 9)
    assert checkpoint.newest_first(tmp_path)[0] == tmp_path / "best_accuracy"


@pytest.mark.parametrize(
    "manifest", ["{", '{"global_step": NaN}', f'{{"global_step": {"9" * 400}}}']
)
@pytest.mark.parametrize(
    ("damaged", "order"),
    [
        ("latest", ["latest", "previous", "iter_epoch_1"]),
        ("previous", ["previous", "latest", "iter_epoch_1"]),
        ("iter_epoch_1", ["latest", "previous", "iter_epoch_1"]),
    ],
)
def test_only_the_newest_two_are_first_without_a_step(tmp_path, damaged, order, manifest):
    for step, name in enumerate(["iter_epoch_1", "previous", "latest"]):
        save_at(tmp_path / name, step)
    (tmp_path / f"{damaged}.json").write_text(manifest)
    assert [prefix.name for prefix in checkpoint.newest_first(tmp_path)] == order


def test_a_kill_at_any_call_leaves_an_intact_checkpoint_when_the_newest_was_intact(memory_path):
    latest, previous = memory_path / "latest", memory_path / "previous"
    killed = Killed(lambda: save_at(latest, 3, previous))
    for number in itertools.count(1):
        save_at(latest, 1)
        save_at(latest, 2, previous)
        was_killed = killed.at(number)
        checkpoint.recover(memory_path)
        step = checkpoint.load(latest).states["global_step"]
        assert step in (2, 3)
        if step == 3:
            assert checkpoint.load(previous).states == {"global_step": 2}
        if not was_killed:
            break
    assert number > 20


@pytest.fixture
def no_links(monkeypatch):
    """The file system has no hard links."""

    def link(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)


@pytest.mark.usefixtures("no_links")
def test_the_checkpoint_before_takes_no_room_without_links(tmp_path):
    latest, previous = tmp_path / "latest", tmp_path / "previous"
    for step in (1, 2, 3):
        former = {path.name: path.stat().st_ino for path in tmp_path.glob("latest.pd*")}
        save_at(latest, step, previous)
    assert checkpoint.load(latest).states == {"global_step": 3}
    assert checkpoint.load(previous).states == {"global_step": 2}
    kept = {f"latest{p.suffix}": p.stat().st_ino for p in tmp_path.glob("previous.pd*")}
    assert kept == former  # moved, not copied


@pytest.mark.usefixtures("no_links")
def test_a_kill_at_any_call_leaves_the_newest_intact_without_links(memory_path):
    latest, previous = memory_path / "latest", memory_path / "previous"
    killed = Killed(lambda: save_at(latest, 3, previous))
    for number in itertools.count(1):
        save_at(latest, 1)
        save_at(latest, 2, previous)
        was_killed = killed.at(number)
        checkpoint.recover(memory_path)
        assert checkpoint.load(latest).states["global_step"] in (2, 3)
        if checkpoint.exists(previous):
            assert checkpoint.load(previous).states["global_step"] in (1, 2)
        if not was_killed:
            break
    assert number > 20
    assert checkpoint.load(previous).states == {"global_step": 2}


def test_a_checkpoint_before_that_cannot_be_kept_is_a_warning(tmp_path, caplog):
    latest, previous = tmp_path / "latest", tmp_path / "previous"
    save_at(latest, 1, previous)
    (tmp_path / "previous.pdparams").mkdir()  # cannot be replaced
    save_at(latest, 2, previous)
    assert checkpoint.load(latest).states == {"global_step": 2}
    assert [record.getMessage() for record in caplog.records] == [
        f"{previous}: the checkpoint before {latest} was not kept "
        f"([Errno 21] Is a directory: '{previous}.pdparams'). Training goes on."
    ]


def test_a_damaged_manifest_does_not_stop_the_recovery_of_others(tmp_path):
    save_at(tmp_path / "latest", 1)
    (tmp_path / "latest.json").write_text("{")
    (tmp_path / ".latest.states.new").write_bytes(b"staged")
    checkpoint.recover(tmp_path)
    assert not (tmp_path / ".latest.states.new").exists()
    assert checkpoint.newest_first(tmp_path) == [tmp_path / "latest"]


@pytest.mark.parametrize("suffix", checkpoint.SUFFIXES)
def test_a_changed_file_is_noticed(tmp_path, suffix):
    prefix = tmp_path / "latest"
    save(prefix)
    path = tmp_path / f"latest{suffix}"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="not the file its manifest names"):
        checkpoint.load(prefix)


def test_remove_leaves_nothing(tmp_path):
    save(tmp_path / "iter_epoch_3")
    checkpoint.remove(tmp_path / "iter_epoch_3")
    assert list(tmp_path.iterdir()) == []


class Evil:
    def __reduce__(self):
        return (os.system, ("touch executed",))


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_calls_something_is_refused(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.pdparams").write_bytes(pickle.dumps({"a": Evil()}, protocol))
    with pytest.raises(CheckpointError, match=r"it asks for posix\.system"):
        safe_pickle.load(tmp_path / "evil.pdparams")
    assert not (tmp_path / "executed").exists()


def test_a_truncated_file_is_refused(tmp_path):
    save(tmp_path / "a")
    shutil.copy(tmp_path / "a.pdparams", tmp_path / "b.pdparams")
    os.truncate(tmp_path / "b.pdparams", 100)
    with pytest.raises(CheckpointError, match="not a plain data file"):
        checkpoint.load(tmp_path / "b")


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.pdparams: no such file"):
        checkpoint.load(tmp_path / "gone")


@pytest.mark.parametrize(
    ("suffix", "content", "message"),
    [
        (".pdparams", [1], "holds no arrays by name"),
        (".pdparams", {1: np.ones(2)}, "holds no arrays by name"),
        (".pdparams", {"a": [np.ones(2)]}, "a is a list, not an array"),
        (".pdparams", {"a": "b"}, "a is a str, not an array"),
        (".pdparams", {checkpoint.NAME_TABLE: {"a": 1}}, "is a dict, not an array"),
        (".pdopt", [1], "holds no values by name"),
        (".pdopt", {checkpoint.TRAINED: [1]}, "trained_weights: holds no arrays by name"),
        (".states", None, "holds no values by name"),
        (".states", {1: 2}, "holds no values by name"),
    ],
)
def test_files_of_other_content_are_refused(tmp_path, suffix, content, message):
    save(tmp_path / "a")
    (tmp_path / "a.json").unlink()
    (tmp_path / f"a{suffix}").write_bytes(pickle.dumps(content, 4))
    with pytest.raises(CheckpointError, match=rf"a{re.escape(suffix)}.*{message}"):
        checkpoint.load(tmp_path / "a")


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        '{"files": []}',
        '{"files": {"/../../b": {"sha256": ""}}}',
        '{"files": {".pdparams": 1, ".pdopt": 1, ".states": 1}}',
        "[" * 60_000,
    ],
)
def test_a_file_that_is_no_manifest_is_named(tmp_path, manifest):
    save(tmp_path / "a")
    (tmp_path / "a.json").write_text(manifest)
    with pytest.raises(CheckpointError, match=r"a\.json: not a checkpoint's manifest"):
        checkpoint.load(tmp_path / "a")
