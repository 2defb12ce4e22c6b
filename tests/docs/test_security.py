"""The commands of SECURITY.md bring a registry back that is served again."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.production import models_in_production, read_production
from ocr_lib.registry.retention import RetentionPolicy
from ocr_lib.serving.reconciler import Reconciler
from ocr_lib.serving.repository_store import prepare_bucket
from ocr_lib.serving.rollout import deploy
from ocr_lib.serving.triton_env import triton_venv
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.bundle_fixtures import bundle, golden, other_bundle

__all__ = ["bundle", "golden", "other_bundle"]

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
MODEL = "kept"


def commands(heading: str) -> list[list[str]]:
    """Returns the commands below a paragraph of SECURITY.md that begins so."""
    found = re.search(rf"^{heading}[^\n]*:\n\n```\n(.*?)```", TEXT, re.MULTILINE | re.DOTALL)
    assert found, heading
    return [shlex.split(line) for line in found[1].splitlines()]


def run(heading: str, server: S3Server, backup: Path) -> None:
    given = server.environment()
    remotes = {
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_STORE_TYPE": "s3",
        "RCLONE_CONFIG_STORE_PROVIDER": "Other",
        "RCLONE_CONFIG_STORE_ENDPOINT": given["OCR_S3_ENDPOINT"],
        "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": given["AWS_ACCESS_KEY_ID"],
        "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": given["AWS_SECRET_ACCESS_KEY"],
        "RCLONE_CONFIG_BACKUP_TYPE": "alias",
        "RCLONE_CONFIG_BACKUP_REMOTE": str(backup),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    for command in commands(heading):
        done = subprocess.run(
            command,
            env=os.environ | remotes,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def contents(store: Store) -> dict[str, bytes]:
    """Returns every object that a backup has to hold."""
    prefixes = ("registry/", "triton/", "specs/", "decisions/", "evaluations/")
    items = [item for prefix in prefixes for item in store.list(prefix)]
    return {item.key: store.get_bytes(item.key, 1 << 26) for item in items}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server(tmp_path / "s3") as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.slow
def test_a_registry_that_was_lost_is_restored_and_served_again(
    server: S3Server, bundle: Path, other_bundle: Path, golden: list[GoldenImage], tmp_path: Path
) -> None:
    if not triton_venv().is_dir():
        pytest.skip("no Triton here: make setup")
    store = Store.from_env()
    prepare_bucket(store)
    repository = f"s3://{server.endpoint}/{server.bucket}/triton"
    options = {"log": tmp_path / "triton.log", "environment": server.environment()}
    with TritonServer(repository, **options) as triton:
        for version in (bundle, other_bundle):
            deploy(str(version), MODEL, golden, store=store, endpoints=[triton.url], force=True)
    store.put_json("decisions/0123/run.json", {"passed": True})
    store.put_json("sources/large.json", {})
    before, production = contents(store), read_production(store, MODEL)
    run("Backup", server, tmp_path / "backup")
    for prefix in ("registry/", "triton/", "specs/", "decisions/", "sources/", "leases/"):
        for item in store.list(prefix):
            store.remove(item.key)
    assert models_in_production(store) == []

    prepare_bucket(store)
    run("Restore", server, tmp_path / "backup")
    assert contents(store) == before
    assert read_production(store, MODEL) == production
    assert not store.exists("sources/large.json")
    with TritonServer(repository, **options) as triton:
        reconciler = Reconciler(store, triton.url)
        reconciler.sync()
        assert reconciler.ready, reconciler.status()
        reconciler.close()


def test_a_backup_has_pointers_first_and_a_restore_has_them_last() -> None:
    first, rest = commands("Backup")
    assert "--include" in first
    assert "/registry/*/production.json" in first
    assert rest[rest.index("--filter") + 1] == "- /registry/*/production.json"
    backwards, last = commands("Restore")
    assert last[last.index("--include") + 1] == "/registry/*/production.json"
    assert backwards[backwards.index("--exclude") + 1] == "/registry/*/production.json"


def test_what_it_says_of_retention_is_the_default() -> None:
    (days,) = re.findall(r"kept for (\d+) days after", TEXT)
    assert float(days) == RetentionPolicy().feedback_days
