"""A sample is the newest lines, and reads no others."""

import pytest

from ocr_lib.serving.feedback.recorder import FeedbackLimits
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.storage.access_policy import policy
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.feedback.recorded import reading, record
from tests.ocr_lib.serving.tiny_bundle import line_image
from tests.ocr_lib.storage.policy_server import PolicyServer


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
