"""One rank of a training job: a script that `paddle.distributed.launch` starts on each device.

It knows nothing of clusters and stores: data and configuration lie on this machine's disk, and
what came of it is left there, for the agent to pass on.
"""

import faulthandler
import signal
import sys
import traceback
from pathlib import Path

from ocr_lib.atomic import write_json
from ocr_lib.cpu import configure_cpu
from ocr_lib.errors import OcrError
from ocr_lib.jobs.pod_log import RANK_MARK
from ocr_lib.jobs.termination_reason import describe, write_reason
from ocr_lib.log_config import logging_configured
from ocr_lib.settings import Settings
from ocr_lib.terminal import echo

CONFIG, RESULT = "resolved.yml", "result.json"


def main(folder: Path) -> int:
    """Trains the configuration in `folder`; returns the exit code."""
    configure_cpu()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    settings = Settings.from_env()
    rank = settings.rank
    echo(f"{RANK_MARK} {rank} {settings.world_size}", flush=True)
    try:
        with logging_configured(step="train", settings=settings):
            _train(folder, first=rank == 0)
    except OcrError as error:
        echo(f"train: {error}", err=True)
        write_reason(folder / f"reason-{rank:04d}.json", describe(error))
        return error.exit_code
    except Exception as error:
        traceback.print_exc()
        write_reason(folder / f"reason-{rank:04d}.json", describe(error))
        return 1
    return 0


def _train(folder: Path, *, first: bool) -> None:
    from ocr_lib.config.custom_parts import allowed_parts
    from ocr_lib.config.loader import load_config
    from ocr_lib.jobs.local import FACTS
    from ocr_lib.training import train

    result = train(load_config(folder / CONFIG, (), allowed_parts()))
    if first:
        write_json(folder / RESULT, {name: getattr(result, name) for name in FACTS})


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
