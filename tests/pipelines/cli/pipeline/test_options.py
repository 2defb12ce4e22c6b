"""Where Kubeflow is and which package is meant, from the command line and the environment."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from components.images import NAMES
from ocr_lib.errors import ConfigError
from pipelines.cli.main import main
from pipelines.cli.pipeline.options import named_images
from pipelines.kfp_api import connection
from tests.pipelines.kfp_api.kfp_server import KfpServer

Capture = pytest.CaptureFixture[str]
GIVEN = f"registry/given@sha256:{'0' * 64}"


def kubectl(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a program named kubectl first on the path."""
    path = folder / "kubectl"
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_port_is_forwarded_by_kubectl_and_given_up_at_the_end(
    server: KfpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    port = urlsplit(server.url).port
    script = f"""import os, sys, time
open({str(tmp_path / "pid")!r}, "w").write(f"{{os.getpid()}} {{' '.join(sys.argv[1:])}}")
print("Forwarding from 127.0.0.1:{port} -> 8888", flush=True)
time.sleep(60)"""
    kubectl(tmp_path, script, monkeypatch)
    assert main(["pipeline", "status", "--port-forward"]) == 0
    assert capsys.readouterr().out == "no runs yet\n"
    pid, _, rest = (tmp_path / "pid").read_text().partition(" ")
    assert rest == "--namespace kubeflow port-forward svc/ml-pipeline :8888"
    assert not Path(f"/proc/{pid}").exists()


def test_what_kubectl_says_when_it_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    kubectl(tmp_path, 'import sys; sys.exit("error: services ml-pipeline not found")', monkeypatch)
    assert main(["pipeline", "status", "--port-forward"]) == 1
    assert "services ml-pipeline not found" in capsys.readouterr().err


def test_the_environment_names_host_and_ui(
    server: KfpServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    run_id = server.replay("refused")
    monkeypatch.setenv(connection.HOST, server.url)
    monkeypatch.setenv(connection.UI, "https://ui.example.org/pipeline/")
    assert main(["pipeline", "status", run_id]) == 0
    page = f"https://ui.example.org/pipeline/#/runs/details/{run_id}"
    assert page in capsys.readouterr().out


def test_a_host_of_the_command_line_excludes_a_forwarded_port(
    server: KfpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["pipeline", "status", "--host", server.url, "--port-forward"]) == 2
    assert "--port-forward: given with --host. Leave one of them out." in capsys.readouterr().err
    kubectl(tmp_path, 'import sys; sys.exit("it was asked")', monkeypatch)
    monkeypatch.setenv(connection.HOST, server.url)  # what the environment names may be passed over
    assert main(["pipeline", "status", "--port-forward"]) == 1
    assert "it was asked" in capsys.readouterr().err


def test_images_are_given_by_name() -> None:
    assert named_images([f"train={GIVEN}"]) == {"train": GIVEN}
    for wrong in ("gpu=a", "train", "train=", "train=A b"):
        with pytest.raises(ConfigError, match=", ".join(NAMES)):
            named_images([wrong])


@pytest.mark.parametrize(
    ("words", "compiled"), [([], False), (["--train-accelerators", "0"], True)]
)
def test_a_package_is_compiled_first_where_the_command_line_says_for_what(
    server: KfpServer, tmp_path: Path, capsys: Capture, words: list[str], compiled: bool
) -> None:
    path = tmp_path / "package.yaml"
    code = main(["pipeline", "upload", "--package", str(path), "--host", server.url, *words])
    assert path.is_file() == compiled
    assert code == (0 if compiled else 2)
    assert ("uploaded, read back and equal" in capsys.readouterr().out) == compiled
