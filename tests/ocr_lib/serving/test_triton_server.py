import os
import urllib.request
from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.serving.triton_server import TritonServer


def test_health_and_metrics_answer(triton: TritonServer) -> None:
    for url in (f"{triton.http_url}/v2/health/ready", triton.metrics_url):
        with urllib.request.urlopen(url, timeout=5) as response:
            assert response.status == 200


def test_nothing_is_left_when_it_ends(triton: TritonServer, tmp_path: Path) -> None:
    """Also when a server is killed rather than stopped."""
    (tmp_path / "models").mkdir()
    server = TritonServer(str(tmp_path / "models"), log=tmp_path / "log")
    with server:
        assert server.pid is not None
        pid, name = server.pid, str(server._folder)
        os.kill(pid, 9)
    server.stop()
    assert server.pid is None
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(name).exists()
    assert not list(Path("/dev/shm").glob(f"{Path(name).name}*"))


def test_a_port_in_use_is_named(triton: TritonServer, tmp_path: Path) -> None:
    port = int(triton.url.rsplit(":", 1)[1])
    server = TritonServer(str(tmp_path), log=tmp_path / "log", grpc_port=port)
    with pytest.raises(ServiceError, match=f"port {port} is in use: Triton's grpc"), server:
        pass


def test_an_error_ends_with_the_servers_log(triton: TritonServer, tmp_path: Path) -> None:
    server = TritonServer(str(tmp_path / "none"), log=tmp_path / "log")
    with pytest.raises(ServiceError, match=r"ended at once.*\n[^|]*(failed|not a valid)"), server:
        pass
