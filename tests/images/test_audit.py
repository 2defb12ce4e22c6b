"""`make audit` against an advisory server on this machine, which answers as OSV does."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.images.scripts import ROOT, script

audit = script("audit")
HASH = "0" * 64
ADVISORY = {
    "id": "PYSEC-2026-1",
    "details": "reads too much",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "urllib3"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.7.1"}]}],
        }
    ],
}


@contextmanager
def advisories(status: int = 200, **known: dict[str, Any]) -> Iterator[str]:
    """Yields the URL of a server that knows an advisory for each of these packages."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = asked["package"]["name"]
            body = json.dumps({"vulns": [known[name]]} if name in known else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """The tests read the command's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    lines = [f"{name} \\\n    --hash=sha256:{HASH}" for name in ("urllib3==2.7.0", "six==1.17.0")]
    path.write_text("\n".join(lines) + "\n")
    return path


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "images/audit.py"), "--url", url, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_known_vulnerability_is_named_with_its_fix(lock: Path) -> None:
    with advisories(urllib3=ADVISORY) as url:
        found = run(url, str(lock))
        ignored = run(url, "--ignore", ADVISORY["id"], str(lock))  # type: ignore[list-item]
    assert found.returncode == 1
    assert found.stdout.splitlines() == [
        "urllib3 2.7.0: PYSEC-2026-1, fixed in 2.7.1",
        "2 packages in 2 versions, 1 advisories, 0 not looked up",
    ]
    assert (ignored.returncode, ignored.stdout.count("PYSEC")) == (0, 0)


def test_packages_of_which_nothing_is_known_pass(lock: Path) -> None:
    with advisories() as url:
        passed = run(url, str(lock))
    assert (passed.returncode, passed.stderr) == (0, "")


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_does_not_answer_rightly_is_no_pass(lock: Path, status: int) -> None:
    with advisories(status) as url:
        failed = run(url, str(lock))
    assert failed.returncode == 2
    assert "Nothing was audited." in failed.stderr


def test_a_server_that_does_not_answer_is_no_pass(lock: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and answers none
        failed = run(f"http://127.0.0.1:{silent.getsockname()[1]}", "--timeout=1", str(lock))
    assert failed.returncode == 2
    assert "it did not answer in time\nNothing was audited." in failed.stderr
    assert "Traceback" not in failed.stderr


def test_all_rounds_share_one_deadline(lock: Path) -> None:
    over = time.monotonic()
    with advisories() as url, pytest.raises(ValueError, match="did not answer in time"):
        audit.audit("six==1.17.0\n", url, [], over)


def test_without_a_network_the_next_step_is_said(lock: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        failed = run(f"http://127.0.0.1:{unused.getsockname()[1]}/v1/query", str(lock))
    assert failed.returncode == 2
    assert failed.stderr.count("\n") == 2
    assert "Traceback" not in failed.stderr
    assert "make audit AUDIT_URL=" in failed.stderr


def test_a_package_that_was_not_looked_up_is_no_pass() -> None:
    skipped = {"name": "b", "skip_reason": "Dependency not found"}
    packages = [{"name": "a", "version": "1", "vulns": []}, skipped, skipped]
    assert audit.findings(packages) == ([], ["b: Dependency not found"])


def test_a_package_is_looked_up_in_each_of_its_versions(tmp_path: Path) -> None:
    """One lock has two of them, for two versions of Python; another lock has a third one."""
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    marker = "python_full_version < '3.12'"
    one.write_text(f"urllib3==2.7.0 ; {marker} \\\n    --hash=sha256:{HASH}\nurllib3==2.8.0\n")
    other.write_text("# a comment\nurllib3==2.7.0\nurllib3[brotli]==2.6.9\nsix==1.17.0\n")
    assert audit.pins([one, other]) == {
        "urllib3": {"2.6.9", "2.7.0", "2.8.0"},
        "six": {"1.17.0"},
    }
    with advisories(urllib3=ADVISORY) as url:
        found = run(url, str(one), str(other))
    assert found.stdout.splitlines() == [
        "urllib3 2.6.9: PYSEC-2026-1, fixed in 2.7.1",
        "urllib3 2.7.0: PYSEC-2026-1, fixed in 2.7.1",
        "urllib3 2.8.0: PYSEC-2026-1, fixed in 2.7.1",  # this server does not ask for the version
        "2 packages in 4 versions, 3 advisories, 0 not looked up",
    ]


@pytest.mark.parametrize("line", ["six", "six>=1", "six @ https://example/six.whl", "-e ."])
def test_what_is_not_pinned_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "lock.txt").write_text(f"urllib3==2.7.0\n{line}\n")
    failed = run("http://127.0.0.1:1", str(tmp_path / "lock.txt"))
    assert failed.returncode == 1
    assert (
        failed.stderr == f"{tmp_path}/lock.txt:2: {line!r} is not name==version. Lock it again.\n"
    )


def test_all_locks_can_be_audited_at_once() -> None:
    """They pin packages in several versions, which pip-audit takes from no two files."""
    with advisories() as url:
        passed = run(url)
    assert (passed.returncode, passed.stderr) == (0, "")
    packages, versions = map(int, re.findall(r"\d+", passed.stdout)[:2])
    assert 100 < packages < versions


def test_every_lock_is_audited() -> None:
    names = {path.name for path in audit.locks()}
    assert {"image-data.txt", "image-train.txt", "image-serve.txt", "triton.txt"} <= names
    assert names == {path.name for path in (ROOT / "requirements").glob("*.txt")}
