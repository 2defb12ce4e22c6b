"""A server that speaks Kubeflow's API, and the commands that talk to it."""

import json
from collections.abc import Callable

import pytest

from pipelines.cli.main import main
from pipelines.kfp_api.package import Package
from pipelines.kfp_api.workflow import read_workflow
from tests.pipelines.kfp_api.conftest import _no_credentials, package, server
from tests.pipelines.kfp_api.kfp_server import KfpServer

__all__ = ["_no_credentials", "package", "server"]

Ocr = Callable[..., tuple[int, str]]


@pytest.fixture
def ocr(server: KfpServer, capsys: pytest.CaptureFixture[str], package: Package) -> Ocr:
    """Runs a subcommand of `ocr pipeline`; returns its exit code and all that it prints."""

    def run(*words: str) -> tuple[int, str]:
        with_package = words[0] in ("upload", "run") or words[:2] == ("schedule", "create")
        own = ["--package", str(package.path)] if with_package else []
        code = main(["pipeline", *words, *own, "--host", server.url])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return run


def pods(server: KfpServer, run_id: str) -> list[str]:
    """Returns the names of all pods of a recorded run."""
    workflow = read_workflow(json.dumps(server.state.workflows[run_id]))
    assert workflow is not None
    return [workflow.pod_name(node) for node in workflow.nodes if node.kind == "Pod"]
