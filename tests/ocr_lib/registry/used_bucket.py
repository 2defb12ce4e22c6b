"""A bucket that runs have used: everything that they write, small, and as old as a test wants."""

import hashlib
import io
import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

import minio
import pytest

from components.evaluate.decisions import record_decision
from ocr_lib.registry.champion import pin_champion
from ocr_lib.registry.judgement import Judgement
from ocr_lib.registry.production import (
    promoted,
    read_versioned,
    record_version,
    write_production,
)
from ocr_lib.runspec.judged_run import JudgedRun, save_record
from ocr_lib.runspec.spec_store import pin_spec
from ocr_lib.settings import Settings
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import upload
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME
from tests.ocr_lib.runspec.specs import spec

DAY_S = 86_400.0
TREES = {"labels": ("labels.txt",), "lmdb": ("manifest.json", "00000/data.mdb")}


@dataclass(frozen=True)
class UsedBucket:
    """What writes into a bucket as the pipeline does.

    Args:
        store: the bucket.
        folder: for files on their way.
    """

    store: Store
    folder: Path

    def add_data(self, name: str, kind: str = "lmdb") -> ArtifactRef:
        """Adds a data set, or its labels."""
        return self._upload(f"{name} {kind}", TREES[kind], f"datasets/{name}/{{digest}}/{kind}")

    def add_joined_data(self, name: str, part: ArtifactRef) -> str:
        """Adds a data set that holds the shards of another one; returns its prefix."""
        key = part.uri.removeprefix(self.store.uri(""))
        files = self.store.get_manifest(key).files
        links = {f"part/{file}": (entry, f"{key}/{file}") for file, entry in files.items()}
        folder = self.folder / name
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(name)
        uri = self.store.put_linked_tree(folder, links, f"datasets/{name}/{{digest}}/lmdb")
        return uri.removeprefix(self.store.uri(""))

    def add_run(self, run: str, model: str, *, deploys: bool = True) -> JudgedRun:
        """Adds a run from its plan to its deployment."""
        store = self.store
        config = replace(spec().config, yaml=f"Global:\n  epoch_num: 1 # {run}\n")
        pinned = pin_spec(store, run, replace(spec(), model_name=model, config=config))
        self.add_data(f"{run}-train", "labels")
        sets = [self.add_data(f"{run}-{role}") for role in ("train", "validation", "test")]
        files = ("latest.pdparams", "result.json")
        trained = self._upload(f"{run} weights", files, f"runs/{run}")
        store.put_json(f"runs/{run}/heartbeat.json", {})
        spec_ref = ArtifactRef(store.uri(f"specs/{pinned.digest}.json"), pinned.digest)
        judged = JudgedRun(
            spec=spec_ref, model=trained, train=sets[0], validation=sets[1], test=sets[2]
        )
        save_record(store, run, judged)
        champion = pin_champion(store, run, model)
        self._upload(f"{run} predictions", ("candidate.jsonl",), f"predictions/{run}/0-256-0123")
        self._upload(f"{run} report", ("verdict.json",), f"evaluations/{run}/report")
        record_decision(store, hashlib.sha256(b"test set").hexdigest(), run, {"passed": True})
        lineage = {
            "run": run,
            "train_data": sets[0].digest,
            "validation_data": sets[1].digest,
            "test_data": sets[2].digest,
            "spec": pinned.digest,
            **Judgement.against(champion).to_dict(),
        }
        content = {"bundle.json": json.dumps({"lineage": lineage})}
        key = f"registry/{model}/bundles/{{digest}}"
        bundle = self._upload(f"{run} bundle", ("model.onnx",), key, content)
        if deploys:
            self._deploy(model, bundle)
        return judged

    def _deploy(self, model: str, bundle: ArtifactRef) -> None:
        record = record_version(self.store, model, bundle.uri, bundle.digest, {})
        for key in (f"triton/{model}/{{}}", f"triton/{model}_core/{{}}", "registry/ocr/golden/{}"):
            self._upload(key, ("a", "b"), key.replace("/ocr/", f"/{model}/").format(record.version))
        self.store.put_bytes(f"triton/{model}/config.pbtxt", b"")
        former, etag = read_versioned(self.store, model)
        write_production(self.store, promoted(model, record, former), etag)

    def _upload(
        self, name: str, files: tuple[str, ...], key: str, content: dict[str, str] | None = None
    ) -> ArtifactRef:
        folder = self.folder / hashlib.sha256(name.encode()).hexdigest()[:16]
        for file, text in {**dict.fromkeys(files, name), **(content or {})}.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(f"{text}")
        return upload(self.store, folder, key)

    def age(self, days: float, *prefixes: str) -> None:
        """Makes objects as old as that: rclone takes the time from a header."""
        settings = Settings.from_env()
        host = self.store.client.endpoint.partition("://")[2]
        keys = settings.s3_access_key, settings.s3_secret_key
        client = minio.Minio(host, *keys, region=settings.s3_region, secure=False)
        for prefix in prefixes or ("",):
            for item in self.store.list(prefix):
                content = self.store.get_bytes(item.key, 1 << 20)
                written = {"mtime": str(item.modified - days * DAY_S)}
                stream, size = io.BytesIO(content), len(content)
                client.put_object(self.store.bucket, item.key, stream, size, metadata=written)

    def broken_trees(self) -> list[str]:
        """Returns what has a manifest and lacks a file that it names."""
        keys = {item.key for item in self.store.list("")}
        broken = []
        for key in (key for key in keys if key.endswith(f"/{MANIFEST_NAME}")):
            manifest, folder = self.store.get_json(key), key[: -len(MANIFEST_NAME)]
            places = {name: f"{folder}{name}" for name in manifest["files"]}
            if not keys.issuperset((places | manifest.get("links", {})).values()):
                broken.append(key)
        return broken


@pytest.fixture
def bucket(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> UsedBucket:
    """An empty bucket of its own, which the environment names."""
    name = f"gc-{secrets.token_hex(4)}"
    monkeypatch.setenv("OCR_S3_BUCKET", name)
    store.client.make_bucket(name)
    return UsedBucket(Store(store.client, name), tmp_path / name)
