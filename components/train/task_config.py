"""What is set on the train task and belongs to the pods that train, not to the step that watches.

Resources, node pool and the rest go to the pods of a job. Where training runs in the step itself
(`train_backend: local` on a cluster), the step keeps them: `ocr pipeline compile --train-in-step`.
"""

from kfp.dsl import TaskConfigField, TaskConfigPassthrough

# The step reaches the object store as the pods do, and Kubernetes with a token that is a volume.
TO_STEP_TOO = {TaskConfigField.ENV, TaskConfigField.KUBERNETES_VOLUMES}
FIELDS = (
    TaskConfigField.RESOURCES,
    TaskConfigField.KUBERNETES_NODE_SELECTOR,
    TaskConfigField.KUBERNETES_TOLERATIONS,
    TaskConfigField.KUBERNETES_AFFINITY,
    TaskConfigField.KUBERNETES_VOLUMES,
    TaskConfigField.ENV,
)


def passthroughs(*, in_step: bool) -> list[TaskConfigPassthrough]:
    """Returns which settings of the task are handed on, and whether the step has them as well."""
    return [
        TaskConfigPassthrough(field=field, apply_to_task=in_step or field in TO_STEP_TOO)
        for field in FIELDS
    ]


PASSED_ON = passthroughs(in_step=False)
