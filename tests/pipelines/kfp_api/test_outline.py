import json
from pathlib import Path

from pipelines.kfp_api.outline import Outline, outline_of
from pipelines.kfp_api.package import Package
from pipelines.titles import ACCEPTED, SOMETHING_NEW, TITLES
from tests.pipelines.kfp_api.kfp_server import RECORDED


def test_steps_have_their_titles_in_the_order_of_the_dag(package: Package) -> None:
    found = outline_of({"pipeline_spec": package.spec, "platform_spec": package.platform})
    assert found == outline_of(package.spec)
    assert [(task.name, task.title) for task in found.tasks] == list(TITLES.items())
    assert found.pipeline == package.name


def test_a_step_knows_what_it_depends_on(package: Package) -> None:
    found = outline_of(package.spec)
    tasks = {task.name: task for task in found.tasks}
    titles = {name: [found.groups[group] for group in task.groups] for name, task in tasks.items()}
    assert titles["deploy"][-1] == ACCEPTED
    assert SOMETHING_NEW in titles["train"]
    assert ACCEPTED not in titles["evaluate"]
    assert titles["clean-up"] == []
    assert [name for name, task in tasks.items() if task.in_loop] == [
        "gen-label",
        "pack-lmdb",
        "predict",
    ]


def test_what_is_no_pipeline_has_no_steps() -> None:
    assert outline_of(None) == outline_of({}) == Outline()


def test_the_recorded_pipeline_is_one() -> None:
    recorded = json.loads(Path(RECORDED / "pipeline.json").read_text("utf-8"))
    assert len(outline_of(recorded).tasks) == 10
