"""What is set on the train task and belongs to the pods that train, not to the step that watches.

Resources, node pool and the rest go to the pods of a job. Where training runs in the step itself
(`train_backend: local` on a cluster), compile with OCR_TRAIN_IN_STEP=1: then the step gets them.
"""

import os

from kfp.dsl import TaskConfigField, TaskConfigPassthrough

IN_STEP = os.environ.get("OCR_TRAIN_IN_STEP") == "1"
TO_STEP_TOO = {TaskConfigField.ENV}  # the step reaches the object store as the pods do

HANDED_ON = [
    TaskConfigPassthrough(field=field, apply_to_task=IN_STEP or field in TO_STEP_TOO)
    for field in (
        TaskConfigField.RESOURCES,
        TaskConfigField.KUBERNETES_NODE_SELECTOR,
        TaskConfigField.KUBERNETES_TOLERATIONS,
        TaskConfigField.KUBERNETES_AFFINITY,
        TaskConfigField.KUBERNETES_VOLUMES,
        TaskConfigField.ENV,
    )
]
