"""From kept lines to a data set, and back from people's corrections."""

from pathlib import Path

import pytest

from ocr_lib.data.labels.convert import convert
from ocr_lib.errors import LabelError
from ocr_lib.serving.feedback.export import read_corrections, write_data_set
from ocr_lib.serving.feedback.recorder import FeedbackLimits
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.storage.access_policy import policy
from ocr_lib.storage.s3 import DigestError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.feedback.recorded import LINES, reading, record
from tests.ocr_lib.storage.policy_server import PolicyServer


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
