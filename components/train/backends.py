"""Where training runs: one function a backend, all with the same contract.

A backend trains the configuration into `Global.save_model_dir` and returns what came of it; called
again after a failure it goes on from the last checkpoint there.
"""

from collections.abc import Callable

from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError
from ocr_lib.train import RunResult, train

Backend = Callable[[Config], RunResult]

BACKENDS: dict[str, Backend] = {
    "local": train,  # in the step itself
}
# Known, and refused in words of its own until it is there.
PLANNED = {"paddlejob": "a PaddleJob of several pods"}


def find_backend(name: str) -> Backend:
    """Returns the backend of that name.

    Raises:
        ConfigError: there is none.
    """
    if name in BACKENDS:
        return BACKENDS[name]
    cause = f"{name!r} is not a known backend"
    if name in PLANNED:
        cause = f"{name!r} ({PLANNED[name]}) is not available in this version"
    raise ConfigError("train_backend", cause, f"Available: {', '.join(BACKENDS)}")
