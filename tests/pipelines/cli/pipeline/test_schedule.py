"""`ocr pipeline schedule` against a server that speaks Kubeflow's API."""

from tests.pipelines.cli.pipeline.conftest import Ocr
from tests.pipelines.kfp_api.kfp_server import KfpServer


def test_a_schedule_from_making_to_deleting(server: KfpServer, ocr: Ocr) -> None:
    code, text = ocr("schedule", "create", "nightly", "--cron", "0 0 3 * * *")
    assert code == 0
    assert text.count("runs next") == 3
    assert "UTC" in text
    (made,) = server.state.schedules.values()
    assert made.runtime_config.parameters == {"skip_if_unchanged": True}
    assert "replaced, active" in ocr("schedule", "create", "nightly", "--cron", "0 0 4 * * *")[1]
    assert "nightly                  active  0 0 4 * * *" in ocr("schedule", "list")[1]
    assert ocr("schedule", "pause", "nightly") == (0, "nightly: paused\n")
    assert "nightly                  paused" in ocr("schedule", "list")[1]
    assert ocr("schedule", "resume", "nightly") == (0, "nightly: active\n")
    assert ocr("schedule", "delete", "nightly")[0] == 0
    assert ocr("schedule", "list") == (0, "no schedules\n")
    assert ocr("schedule", "pause", "nightly")[0] == 2


def test_five_fields_are_refused_before_anything_is_sent(server: KfpServer, ocr: Ocr) -> None:
    code, text = ocr("schedule", "create", "nightly", "--cron", "0 3 * * *")
    assert code == 2
    assert "Put a 0 before it: 0 0 3 * * *" in text
    assert server.requests == []
