"""From lines that a model was unsure of to a data set, on a real store."""

from pathlib import Path

import pytest

from ocr_lib.data.labels.convert import convert
from ocr_lib.errors import ConfigError, DataError, LabelError
from ocr_lib.serving.client import ServedRecognition
from ocr_lib.serving.feedback.export import read_corrections, write_data_set
from ocr_lib.serving.feedback.recorder import FeedbackLimits, FeedbackRecorder
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.storage.access_policy import policy
from ocr_lib.storage.s3 import DigestError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from pipelines.cli.serving import feedback
from tests.ocr_lib.serving.tiny_bundle import line_image
from tests.ocr_lib.storage.policy_server import PolicyServer
from tests.pipelines.cli.command import call

LINES = [line_image(text) for text in ("abc", "cab", "a", "é中")]


def reading(text: str, score: float, error: str | None = None) -> ServedRecognition:
    return ServedRecognition(text, score, (), error, version=3)


def record(
    store: Store, model: str, limits: FeedbackLimits, *offers: tuple[bytes, ServedRecognition]
) -> tuple[int, int]:
    with FeedbackRecorder(store, model, limits) as recorder:
        for offer in offers:
            recorder.offer(*offer)
    assert recorder.problem == ""
    return recorder.recorded, recorder.dropped


def test_doubtful_lines_are_kept_and_others_not(store: Store) -> None:
    offers = (
        (LINES[0], reading("abc", 0.79)),
        (LINES[1], reading("cab", 0.81)),
        (b"bad", reading("", 0.0, "not an image")),
        (LINES[0], reading("abc", 0.79)),
    )
    assert record(store, "doubts", FeedbackLimits(below=0.8), *offers) == (2, 0)
    (line,) = FeedbackStore(store, "doubts").lines()  # the same image once
    assert line.recognition == reading("abc", 0.79)
    assert line.reason == "score 0.79 below 0.80"
    assert FeedbackStore(store, "doubts").image(line) == LINES[0]


def test_a_line_that_somebody_reads_otherwise_is_kept(store: Store) -> None:
    with FeedbackRecorder(store, "disputes") as recorder:
        recorder.offer(LINES[0], reading("abc", 0.99), other="abd")
        recorder.offer(LINES[1], reading("cab", 0.99), other="cab")
    (line,) = FeedbackStore(store, "disputes").lines()
    assert line.reason == "read 'abd' by another reader"


def test_what_is_kept_is_bounded(store: Store) -> None:
    offers = [(image, reading("x", 0.1)) for image in LINES]
    assert record(store, "few", FeedbackLimits(lines_a_day=2), *offers) == (2, 2)
    assert record(store, "few", FeedbackLimits(lines_a_day=3), *offers[2:]) == (
        1,
        1,
    )  # counted together
    small = FeedbackLimits(bytes_a_day=len(LINES[0]) + len(LINES[1]))
    assert record(store, "small", small, *offers)[0] == 2
    assert record(store, "none", FeedbackLimits(share=0.0), *offers) == (0, 0)
    assert list(FeedbackStore(store, "none").lines()) == []


def test_a_store_that_is_down_disturbs_nobody(
    store: Store, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_S3_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    with FeedbackRecorder(Store.from_env(timeout_s=1), "down") as recorder:
        recorder.offer(LINES[0], reading("abc", 0.1))
    assert (recorder.recorded, recorder.dropped) == (0, 1)
    assert "does not answer" in recorder.problem


def test_a_line_that_cannot_be_written_costs_no_other(store: Store) -> None:
    """JSON has no place for half a character, nor for a score that is no number."""
    with FeedbackRecorder(store, "odd") as recorder:
        recorder.offer(LINES[0], reading("\ud800", 0.1))
        recorder.offer(LINES[1], reading("cab", float("nan")), other="abd")
        recorder.offer(LINES[2], reading("a", 0.1))
    assert (recorder.recorded, recorder.dropped) == (1, 2)
    assert recorder.problem.startswith("ValueError: Out of range float")
    assert [line.recognition.text for line in FeedbackStore(store, "odd").lines()] == ["a"]


def test_corrected_lines_become_labels(store: Store, tmp_path: Path) -> None:
    record(store, "loop", FeedbackLimits(), *[(image, reading("?", 0.1)) for image in LINES])
    kept = FeedbackStore(store, "loop")
    assert write_data_set(kept, tmp_path / "one") == (0, 4)
    todo = (tmp_path / "one/to_label.txt").read_text().splitlines()
    assert all(line.startswith("images/") and line.endswith(".png\t") for line in todo)

    filled = tmp_path / "filled.txt"
    filled.write_text(f'{todo[0]}a, "b" c\n{todo[1]}é中\n{todo[2]}\n', encoding="utf-8")
    assert read_corrections(kept, filled) == 2
    assert write_data_set(kept, tmp_path / "two") == (2, 2)
    report = convert(tmp_path / "two", tmp_path / "labels")
    assert (report.written, report.bad) == (2, 0)
    labels = (tmp_path / "labels/labels.txt").read_text(encoding="utf-8")
    assert sorted(row.split("\t")[1] for row in labels.splitlines()) == ['a, "b" c', "é中"]
    assert {line.truth for line in kept.sample(1.0, 9)} == {'a, "b" c', "é中", None}


def backdate(store: Store, model: str, name: str, day: str) -> None:
    """Moves a line to another day, as if it had been kept then."""
    for item in store.list(f"feedback/{model}/"):
        if name in item.key:
            content, _ = store.client.get(store.bucket, item.key, 1 << 20)
            store.put_bytes(f"feedback/{model}/{day}/{item.key.rpartition('/')[2]}", content)
            store.remove(item.key)


def test_a_sample_is_the_newest_and_reads_no_more(
    store: Store, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ("a", "b", "c", "é", "中", "ab", "bc", "ca", "cé", "é中")
    images = [line_image(text) for text in texts]
    record(store, "long", FeedbackLimits(), *[(image, reading("?", 0.1)) for image in images])
    names = [line.name for line in FeedbackStore(store, "long").lines()]
    days = ["2024-02-28", *["2025-12-31"] * 4, *["2026-01-01"] * 4, "2026-01-02"]
    for name, day in zip(names, days, strict=True):
        backdate(store, "long", name, day)
    store.put_json("feedback/long/notes/readme.json", {})  # no day of ours
    store.put_json("feedback/long/2026-01-02/other.json", {})
    rights = policy("deploy", "ocr")
    with PolicyServer(s3_server.endpoint, rights) as server, monkeypatch.context() as patch:
        patch.setenv("OCR_S3_ENDPOINT", server.endpoint)
        found = FeedbackStore(Store.from_env(), "long").sample(1.0, 3)
    assert found[0].name == names[9]
    assert {line.name for line in found[1:]} <= set(names[5:9])
    assert len(found) == 3
    objects = [key for _, key in server.seen if "/" in key]
    assert len(objects) == 6  # entry and image of each
    assert not any("2025" in key or "2024" in key for key in objects)

    kept = FeedbackStore(store, "long")
    assert len(kept.sample(1.0, 99)) == 10
    half = {line.name for line in kept.sample(0.5, 99)}
    assert half == {name for name in names if name < "8"}  # of the images, whatever their day
    monkeypatch.setattr(
        "ocr_lib.serving.feedback.samples.MAX_SAMPLE_BYTES", 2 * max(map(len, images))
    )
    assert 2 <= len(kept.sample(1.0, 99)) < 10
    store.put_json(f"feedback/long/2026-01-02/{names[9]}.json", ["not a line"])
    assert names[9] not in {line.name for line in kept.sample(1.0, 3)}


def test_corrections_read_the_lines_they_name(
    store: Store, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(store, "named", FeedbackLimits(), *[(image, reading("?", 0.1)) for image in LINES])
    name = next(iter(FeedbackStore(store, "named").lines())).name
    filled = tmp_path / "filled.txt"
    filled.write_text(f"images/{name}.png\tabc\n")
    with PolicyServer(s3_server.endpoint, policy("feedback", "ocr")) as server:
        monkeypatch.setenv("OCR_S3_ENDPOINT", server.endpoint)
        assert read_corrections(FeedbackStore(Store.from_env(), "named"), filled) == 1
    assert {key.rpartition("/")[2] for _, key in server.seen if "/" in key} == {f"{name}.json"}


def test_bad_corrections_change_nothing(store: Store, tmp_path: Path) -> None:
    record(store, "strict", FeedbackLimits(), (LINES[0], reading("?", 0.1)))
    kept = FeedbackStore(store, "strict")
    (line,) = kept.lines()
    filled = tmp_path / "filled.txt"
    filled.write_text(f"images/{line.name}.png\tabc\nimages/unheard-of.png\tx\n")
    with pytest.raises(LabelError, match=r"filled\.txt:2: images/unheard-of\.png was not kept"):
        read_corrections(kept, filled)
    assert next(iter(kept.lines())).truth is None


def test_a_damaged_image_is_refused(store: Store, tmp_path: Path) -> None:
    record(store, "damaged", FeedbackLimits(), (LINES[0], reading("?", 0.1)))
    (item,) = [item for item in store.list("feedback/damaged/") if item.key.endswith(".image")]
    store.client.put(store.bucket, item.key, b"something else")
    with pytest.raises(DigestError, match="not the image that was kept"):
        write_data_set(FeedbackStore(store, "damaged"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--model", "commanded")
    with pytest.raises(DataError, match="nothing was kept"):
        call(feedback, "export", tmp_path / "out", *where)
    record(store, "commanded", FeedbackLimits(), (LINES[0], reading("abc", 0.1)))
    assert call(feedback, "list", *where) == 0
    assert capsys.readouterr().out.endswith("\t0.1000\t3\tabc\t\n")
    assert call(feedback, "export", tmp_path / "out", *where, "--upload", "datasets/more") == 0
    assert store.get_tree("datasets/more", tmp_path / "again").is_dir()
    assert call(feedback, "prune", *where, "--days", 1) == 0
    assert len(list(FeedbackStore(store, "commanded").lines())) == 1
    assert FeedbackStore(store, "commanded").prune(-1) == 1
    assert store.list("feedback/commanded/") == []


def test_bad_limits_are_named(store: Store) -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        FeedbackLimits(share=1.5)
