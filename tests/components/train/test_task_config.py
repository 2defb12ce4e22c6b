"""What is set on the train task belongs to the pods that train."""

from kfp.dsl import TaskConfigField

from components.train.task_config import FIELDS, PASSED_ON, passthroughs


def test_everything_is_handed_on_and_the_step_keeps_its_store_and_its_token() -> None:
    assert {item.field for item in PASSED_ON} == set(FIELDS)
    kept = {item.field for item in PASSED_ON if item.apply_to_task}
    assert kept == {TaskConfigField.ENV, TaskConfigField.KUBERNETES_VOLUMES}
    assert TaskConfigField.RESOURCES in FIELDS


def test_a_step_that_trains_itself_keeps_all() -> None:
    settings = passthroughs(in_step=True)
    assert {item.field for item in settings if item.apply_to_task} == set(FIELDS)
