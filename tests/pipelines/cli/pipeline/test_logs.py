"""`ocr pipeline logs` of a recorded run."""

from tests.pipelines.cli.pipeline.conftest import Ocr, pods
from tests.pipelines.kfp_api.kfp_server import KfpServer


def test_a_failure_is_exit_code_1_with_the_log_s_end(server: KfpServer, ocr: Ocr) -> None:
    run_id = server.replay("failed")
    lines = [f"line {number}" for number in range(300)]
    server.state.logs = dict.fromkeys(pods(server, run_id), "\n".join(lines).encode())
    code, text = ocr("status", run_id, "--follow")
    assert code == 1
    assert "           line 299" in text.splitlines()
    code, text = ocr("logs", run_id)  # of the step that failed
    assert code == 0
    assert "Convert labels: pod " in text
    assert "the last 200 lines" in text
    assert "line 99\n" not in text
    assert "line 100\n" in text
    assert ocr("logs", run_id, "Train")[0] == 1  # it has none
    code, text = ocr("logs", run_id, "nothing")
    assert code == 2
    assert "nothing: no such step. Steps: plan, gen-label," in text
