"""What the faults happen to, made once; the counts are written when the session ends."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ocr_lib.storage.s3_server import S3Server
from tests.faults.processes import Child
from tests.faults.report import write_reports
from tests.faults.steps import World, build_world


def pytest_sessionfinish() -> None:
    write_reports()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    with S3Server(folder / "s3") as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        made = build_world(server.store(), folder / "local", folder / "s3" / server.bucket)
    Child(os.getpid, (), folder / "warm", {}).wait()  # the libraries are imported once
    return made


@contextmanager
def copy_of(world: World, folder: Path) -> Iterator[S3Server]:
    """Serves a copy of the world's bucket while the block lasts."""
    shutil.copytree(world.bucket, folder / "s3" / world.bucket.name)
    with S3Server(folder / "s3") as server:
        yield server
