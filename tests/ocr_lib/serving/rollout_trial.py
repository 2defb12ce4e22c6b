"""Two replicas under requests without a pause, while everything happens to them that may.

`make test-rollout` runs it with at least 10,000 requests and writes `build/rollout.json`.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ocr_lib.errors import OcrError
from ocr_lib.inference.bundle import BundleError, write_manifest
from ocr_lib.registry.golden_images import golden_images
from ocr_lib.registry.production import Production, read_production
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.rollout import deploy, rollback
from ocr_lib.serving.version_change import DeployError
from ocr_lib.storage.s3 import DigestError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from ocr_lib.text.dictionary import Charset
from tests.ocr_lib.serving.replica import Replica
from tests.ocr_lib.serving.tiny_bundle import CHARACTERS, PREPROCESS, line_image, write_bundle

MODEL = "rolling"
TEXTS = ("abc", "cab", "bé中a", "a", "aabbccéé中中")
CLIENTS = 3
DEADLINE_S = 20.0  # of a request, with all its attempts


@dataclass
class Load:
    """What the clients met. A version is allowed from when a phase that expects it begins."""

    allowed: frozenset[int]
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    unpassed: list[str] = field(default_factory=list)
    versions: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, recognizer: RecognitionClient, text: str, image: bytes) -> None:
        before, started = self.allowed, time.monotonic()
        try:
            answer = recognizer.read(image)
        except OcrError as error:
            with self.lock:
                self.requests += 1
                self.failures.append(str(error))
            return
        with self.lock:
            self.requests += 1
            self.seconds.append(time.monotonic() - started)
            self.versions[answer.version] += 1
            if answer.version not in before | self.allowed or answer.text != text:
                self.unpassed.append(f"version {answer.version} read {answer.text!r}, not {text!r}")


@contextmanager
def load(urls: list[str], allowed: frozenset[int]) -> Iterator[Load]:
    """Asks both replicas for lines, again and again, while the block lasts."""
    met, ends = Load(allowed), threading.Event()
    images = [(text, line_image(text)) for text in TEXTS]

    def ask() -> None:
        with RecognitionClient(urls, MODEL, timeout_s=DEADLINE_S) as recognizer:
            while not ends.is_set():
                for text, image in images:
                    met.ask(recognizer, text, image)

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield met
    finally:
        ends.set()
        for client in clients:
            client.join(2 * DEADLINE_S)


class Trial:
    """The events, one after the other; each is timed."""

    def __init__(self, folder: Path, store: Store, replicas: list[Replica]) -> None:
        self.folder = folder
        self.store = store
        self.replicas = replicas
        self.urls = [replica.url for replica in replicas]
        self.switches: dict[str, float] = {}
        write_bundle(folder / "1")

    def run(self, requests: int) -> dict[str, Any]:
        self._deploy(self.folder / "1")
        for replica in self.replicas:
            replica.wait_ready()
        with load(self.urls, frozenset({1})) as met:
            self._events(met)
            ends = time.monotonic() + 600
            while met.requests < requests and time.monotonic() < ends:
                time.sleep(0.2)
        return {
            "requests": met.requests,
            "failed": len(met.failures),
            "unpassed": len(met.unpassed),
            "replicas": len(self.replicas),
            "clients": CLIENTS,
            "seconds": {name: round(seconds, 2) for name, seconds in self.switches.items()},
            "versions": {str(version): n for version, n in sorted(met.versions.items())},
            "latency_ms": _latency(met.seconds),
            "examples": [*met.failures[:5], *met.unpassed[:5]],
        }

    def _events(self, met: Load) -> None:
        time.sleep(1)
        two = write_bundle(self.folder / "2", sharpness=60.0, scale=2)
        with self._phase(met, "deploy v2", {1, 2}, {2}):
            assert self._deploy(two).version == 2
        with self._phase(met, "refuse a network that breaks on wide lines", {2}, {2}):
            broken = breaks_on_wide_lines(self.folder / "0")
            self._refused("not a network that reads", self._deploy, broken, two)
        three = _reads_otherwise(self.folder / "3")
        with self._phase(met, "refuse v3, whose texts disagree", {2}, {2}):
            self._refused("images differently", self._deploy, three, two)
        with (
            self._phase(met, "refuse to roll back to v1, damaged in the store", {2}, {2}),
            self._damaged("triton/rolling/1/model.py"),
        ):
            self._refused("damaged|where the manifest says", self._roll_back)
        four = write_bundle(self.folder / "4", sharpness=20.0)
        with (
            self._phase(met, "give v3 up, a replica is killed in the middle", {2, 3}, {2}),
            self._when(0, MODEL, 3, self.replicas[1].kill),
        ):
            self._refused("does not answer|Socket closed|cannot", self._deploy, four)
        with self._phase(met, "restart the replica", {2}, {2}):
            self.replicas[1].start()
            self.replicas[1].wait_ready()
            with TritonAdmin(self.urls[1]) as admin:
                assert admin.ready(MODEL, 2)
        with self._phase(met, "roll back to v1", {1, 2}, {1}):
            assert self._roll_back().version == 1
        time.sleep(1)

    @contextmanager
    def _phase(self, met: Load, name: str, during: set[int], after: set[int]) -> Iterator[None]:
        met.allowed = frozenset(during)
        started = time.monotonic()
        yield
        self.switches[name] = time.monotonic() - started
        met.allowed = frozenset(after)

    def _deploy(self, bundle: Path, certified: Path | None = None) -> Production:
        """Deploys a bundle with what it reads itself, or with what another one reads."""
        images = {text: line_image(text) for text in TEXTS}
        golden = golden_images(certified or bundle, images)
        where = {"store": self.store, "endpoints": self.urls}
        return deploy(str(bundle), MODEL, golden, force="a test", **where).production

    def _roll_back(self) -> Production:
        return rollback(MODEL, store=self.store, endpoints=self.urls).production

    @contextmanager
    def _damaged(self, key: str) -> Iterator[None]:
        """Replaces an object in the store while the block lasts."""
        content, _ = self.store.client.get(self.store.bucket, key, 1 << 20)
        self.store.client.put(self.store.bucket, key, b"raise SystemExit")
        try:
            yield
        finally:
            self.store.client.put(self.store.bucket, key, content)

    def _refused(self, reason: str, action: Callable[..., object], *bundles: Path) -> None:
        try:
            action(*bundles)
        except (DeployError, BundleError, DigestError) as error:
            if not re.search(reason, str(error)):
                raise
        else:
            raise AssertionError(f"{action} {bundles} was not refused")
        production = read_production(self.store, MODEL)
        assert production is not None
        assert production.version == 2

    @contextmanager
    def _when(
        self, replica: int, model: str, version: int, action: Callable[[], None]
    ) -> Iterator[None]:
        """Does something as soon as a replica has a model."""

        def wait_and_act() -> None:
            with TritonAdmin(self.urls[replica]) as admin:
                ends = time.monotonic() + 60
                while not admin.ready(model, version) and time.monotonic() < ends:
                    time.sleep(0.01)
            action()

        actor = threading.Thread(target=wait_and_act)
        actor.start()
        yield
        actor.join()


def trial(folder: Path, requests: int) -> dict[str, Any]:
    """Runs everything in a new folder; returns what `build/rollout.json` holds."""
    with ExitStack() as stack:
        s3 = stack.enter_context(S3Server(folder / "s3"))
        os.environ.update(s3.environment())
        replicas = [
            stack.enter_context(Replica(folder / f"replica-{n}", MODEL, s3.environment()))
            for n in (1, 2)
        ]
        for replica in replicas:
            replica.wait_ready()
        return Trial(folder, Store.from_env(), replicas).run(requests)


def breaks_on_wide_lines(folder: Path) -> Path:
    """Writes a bundle whose network runs at the first width bucket only: warm-up finds out."""
    write_bundle(folder)
    model = onnx.load(folder / "model.onnx")
    (conv,) = [node for node in model.graph.node if node.op_type == "Conv"]
    steps = PREPROCESS.buckets[0] // 8
    zeros = np.zeros((1, 1, 1, steps), np.float32)
    model.graph.initializer.append(numpy_helper.from_array(zeros, "first_bucket"))
    add = helper.make_node("Add", ["mean", "first_bucket"], ["shifted"])
    model.graph.node.insert(list(model.graph.node).index(conv) + 1, add)
    for node in model.graph.node:
        if node.op_type == "Squeeze":
            node.input[0] = "shifted"
    return _rewritten(folder, model, CHARACTERS)


def _reads_otherwise(folder: Path) -> Path:
    """Writes a bundle that reads other texts than the golden images were certified with."""
    write_bundle(folder)
    return _rewritten(folder, onnx.load(folder / "model.onnx"), CHARACTERS[::-1])


def _rewritten(folder: Path, model: onnx.ModelProto, characters: tuple[str, ...]) -> Path:
    onnx.save(model, folder / "model.onnx")
    (folder / "bundle.json").unlink()
    write_manifest(folder, {"model_name": "tiny"}, PREPROCESS, Charset(characters))
    return folder


def _latency(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds) or [0.0]
    shares: dict[str, Callable[[int], int]] = {
        "p50": lambda n: n // 2,
        "p99": lambda n: n * 99 // 100,
        "max": lambda n: n - 1,
    }
    return {name: round(1000 * ordered[at(len(ordered))], 1) for name, at in shares.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Rollouts under load on two replicas.")
    parser.add_argument("--requests", type=int, default=10_000, help="at least this many")
    parser.add_argument("--out", type=Path, default=Path("build/rollout.json"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ocr-rollout-") as folder:
        result = trial(Path(folder), args.requests)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    json.dump(result, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write(f"\nwritten to {args.out}\n")
    return 1 if result["failed"] or result["unpassed"] else 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
