"""What the faults happen to, made once; the counts are written when the session ends."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ocr_lib.storage.s3_server import S3Server
from tests.faults.cases import CASE, RECORDS
from tests.faults.processes import Child
from tests.faults.report import Session, table, write_reports
from tests.faults.steps import World, build_world

FAILED: dict[str, list[str]] = {}  # tests by kind


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    path, _, test = report.nodeid.partition("::")
    if report.failed and path.startswith("tests/faults/test_"):
        FAILED.setdefault(Path(path).stem.removeprefix("test_"), []).append(test)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _no_such_case():
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
    write_reports(_session(session.config, exitstatus))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    if counts := _session(config, exitstatus).counts:
        terminalreporter.write_line(table(counts))
    if _no_such_case():
        terminalreporter.write_line(f"CASE={CASE}: no case begins like this.", red=True)


def _no_such_case() -> bool:
    return bool(CASE and RECORDS) and not any(record.tried for record in RECORDS.values())


def _session(config: pytest.Config, exitstatus: int) -> Session:
    chosen = CASE or config.option.keyword or any("::" in argument for argument in config.args)
    return Session(
        records=RECORDS,
        failed=FAILED,
        partial=bool(chosen) or exitstatus == pytest.ExitCode.INTERRUPTED,
        passed=exitstatus == pytest.ExitCode.OK,
        asked=bool(os.environ.get("REPORT")),
    )


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
