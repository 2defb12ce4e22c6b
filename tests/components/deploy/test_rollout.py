"""Deployments on a real Triton, under load where it matters."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.deploy.client import Recognizer
from components.deploy.production import list_versions, read_production
from components.deploy.rollout import DeployError, deploy, rollback
from components.deploy.smoke import Golden
from components.deploy.triton_server import TritonServer
from components.shared.store import Store
from tests.components.deploy.tiny_bundle import line_image, write_bundle


class Load:
    """Asks one line again and again; counts scores (which tell versions apart) and failures."""

    def __init__(self) -> None:
        self.scores: Counter[float] = Counter()
        self.failures: list[str] = []


@contextmanager
def load(url: str, model: str, threads: int = 3) -> Iterator[Load]:
    result, ends, image = Load(), threading.Event(), line_image("cab")

    def ask() -> None:
        with Recognizer(url, model) as recognizer:
            while not ends.is_set():
                try:
                    answer = recognizer.read(image)
                    result.scores[round(answer.score, 4)] += 1
                    if answer.text != "cab":
                        result.failures.append(answer.text)
                except Exception as error:
                    result.failures.append(str(error))

    workers = [threading.Thread(target=ask) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield result
    finally:
        ends.set()
        for worker in workers:
            worker.join(30)


def score(url: str, model: str) -> float:
    with Recognizer(url, model) as recognizer:
        return round(recognizer.read(line_image("cab")).score, 4)


def test_versions_change_under_load_without_a_failed_request(
    triton: TritonServer,
    store: Store,
    bundle: Path,
    other_bundle: Path,
    golden: list[Golden],
    tmp_path: Path,
) -> None:
    where = {"store": store, "endpoints": [triton.url]}
    uri = store.put_tree(bundle, "registry/rolling/bundle-1")
    first = deploy(uri, "rolling", golden, metrics={"accuracy": 0.9}, **where)
    assert (first.production.version, first.production.predecessor) == (1, None)
    assert [answer.text for answer in first.answers] == [item.text for item in golden]
    again = deploy(uri, "rolling", golden, **where)
    assert again.production == first.production
    one = score(triton.url, "rolling")

    liar = write_bundle(tmp_path / "liar", sharpness=20.0)
    wrong = [Golden("cab.png", line_image("cab"), "not cab")]
    with load(triton.url, "rolling") as traffic:
        second = deploy(str(other_bundle), "rolling", golden, **where)
        two = score(triton.url, "rolling")
        with pytest.raises(
            DeployError, match=r"version 3 .*cab\.png: 'cab', not 'not cab'.* Version 2 serves on"
        ):
            deploy(str(liar), "rolling", wrong, **where)
        back = rollback("rolling", **where)
    assert traffic.failures == []
    assert set(traffic.scores) == {one, two}
    assert one != two
    assert (second.production.version, second.production.predecessor) == (2, 1)
    assert back.production.version == 1
    assert back.production.history == []
    assert read_production(store, "rolling") == back.production
    assert [record.version for record in list_versions(store, "rolling")] == [1, 2, 3]
    assert score(triton.url, "rolling") == one
