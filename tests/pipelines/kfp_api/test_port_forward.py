"""A service of the cluster on a port of this machine, by a program named kubectl."""

import os
import sys
from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError, ServiceError
from pipelines.kfp_api.port_forward import port_forward


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program to be written, first on the path."""
    path = tmp_path / "kubectl"
    path.touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return path


def test_the_address_is_kubectls_and_the_program_ends_with_the_block(
    kubectl: Path, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    kubectl.write_text(
        f"#!{sys.executable}\nimport os, sys, time\n"
        f"open({str(note)!r}, 'w').write(f\"{{os.getpid()}} {{' '.join(sys.argv[1:])}}\")\n"
        "print('Forwarding from 127.0.0.1:4321 -> 8888', flush=True)\ntime.sleep(60)\n"
    )
    with port_forward("kubeflow", "svc/ml-pipeline", 8888) as address:
        assert address == "http://127.0.0.1:4321"
        pid, _, rest = note.read_text().partition(" ")
        assert Path(f"/proc/{pid}").exists()
    assert rest == "--namespace kubeflow port-forward svc/ml-pipeline :8888"
    assert not Path(f"/proc/{pid}").exists()


def test_lines_that_come_at_once_are_all_read(kubectl: Path) -> None:
    kubectl.write_text(
        "#!/bin/sh\nprintf 'a warning\\nForwarding from 127.0.0.1:4321 -> 8888\\n'; exec sleep 60\n"
    )
    with port_forward("kubeflow", "svc/x", 8888) as address:
        assert address == "http://127.0.0.1:4321"


def test_a_program_that_never_listens_is_told(
    kubectl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.kfp_api.port_forward.START_TIMEOUT_S", 0.5)
    kubectl.write_text("#!/bin/sh\nprintf 'half a line'; exec sleep 60\n")
    with (
        pytest.raises(ServiceError, match=r"waited 0\.5 s for kubectl port-forward svc/x to"),
        port_forward("kubeflow", "svc/x", 8888),
    ):
        pass


def test_what_kubectl_says_last_is_told(kubectl: Path) -> None:
    kubectl.write_text("#!/bin/sh\necho first; echo 'services \"x\" not found' >&2; exit 1\n")
    with (
        pytest.raises(ServiceError, match=r'kubectl port-forward svc/x: services "x" not found'),
        port_forward("kubeflow", "svc/x", 8888),
    ):
        pass


def test_without_kubectl_the_other_way_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(ConfigError, match=r"needs kubectl\. Install it, or give --host"),
        port_forward("kubeflow", "svc/x", 8888),
    ):
        pass
