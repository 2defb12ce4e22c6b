"""How a training job is queued, bounded and repeated: the settings with defaults that work."""

import re
from dataclasses import dataclass, fields

from ocr_lib.config.checks import above, at_least
from ocr_lib.config.location import FieldError

_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?")


@dataclass(frozen=True, slots=True)
class JobOptions:
    """Settings of a training job on a cluster.

    Attributes:
        deadline_hours: the job is ended after so long, whatever it does.
        keep_hours: how long a finished job and its pods stay.
        pending_minutes: how long to wait for nodes that take the workers.
        image_minutes: how long to wait for an image that cannot be pulled.
        stall_minutes: no progress for so long: stacks are written and the job starts again.
        restarts: how often every worker may restart in place.
        retries: how often the whole job starts again from its last checkpoint.
        shared_memory: size of /dev/shm, for the loader's workers.
        service_account: of the workers; empty for the namespace's default.
        image_pull_secrets: names of secrets.
        kueue_queue: local queue of Kueue; empty without Kueue.
        gang: start all workers or none (Volcano or scheduler-plugins).
        gang_queue: queue of the gang scheduler.
        priority: priority class of the workers.
    """

    deadline_hours: float = 168.0
    keep_hours: float = 24.0
    pending_minutes: float = 30.0
    image_minutes: float = 5.0
    stall_minutes: float = 20.0
    restarts: int = 3
    retries: int = 2
    shared_memory: str = "2Gi"
    service_account: str = ""
    image_pull_secrets: tuple[str, ...] = ()
    kueue_queue: str = ""
    gang: bool = False
    gang_queue: str = ""
    priority: str = ""

    def __post_init__(self) -> None:
        numbers = [item.name for item in fields(self) if item.type in (int, float)]
        at_least(self, 0, *numbers)
        above(self, 0, *(name for name in numbers if name.endswith("_hours")))
        if not _QUANTITY.fullmatch(self.shared_memory):
            cause = f"is {self.shared_memory!r}, which is not a quantity"
            raise FieldError(self, "shared_memory", cause, "Write for example 2Gi")
