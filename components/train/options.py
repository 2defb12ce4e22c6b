"""How a training job is queued, bounded and repeated: the settings with defaults that work."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, get_origin

from ocr_lib.errors import ConfigError

WHERE = "train_job_options"
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

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "JobOptions":
        """Reads settings as a pipeline's parameter holds them.

        Raises:
            ConfigError: names the key, the cause and the nearest known key.
        """
        known = {item.name: item.type for item in fields(cls)}
        read = {}
        for name, value in values.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, 1) or sorted(known)
                raise ConfigError(f"{WHERE}.{name}", "unknown key", f"Known: {', '.join(near)}")
            read[name] = _checked(name, value, known[name])
        options = replace(cls(), **read)
        if not _QUANTITY.fullmatch(options.shared_memory):
            cause = f"{options.shared_memory!r} is not a quantity"
            raise ConfigError(f"{WHERE}.shared_memory", cause, "Give for example 2Gi")
        return options


def _checked(name: str, value: Any, kind: Any) -> Any:
    """Returns a value of the right type; numbers come from JSON, where 3 may read 3.0."""
    if get_origin(kind) is tuple:
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ConfigError(f"{WHERE}.{name}", f"{value!r} is not a list of names", "Give a list")
    if kind in (int, float) and isinstance(value, int | float) and not isinstance(value, bool):
        if value < 0 or kind(value) != value or (name.endswith("_hours") and value == 0):
            raise ConfigError(f"{WHERE}.{name}", f"{value!r} is out of range", "Give more")
        return kind(value)
    if kind in (bool, str) and isinstance(value, kind):
        return value
    raise ConfigError(f"{WHERE}.{name}", f"{value!r} is not a {kind.__name__}", "Change the value")
