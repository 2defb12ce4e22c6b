"""The first of two processes trains; the second joins it and then does nothing."""

import os
import signal
import sys
from pathlib import Path

from ocr_lib.config.loader import load_config
from ocr_lib.training import train
from ocr_lib.training.barrier import PeerError
from ocr_lib.training.parallel import init_process_group


def main() -> None:
    out, options = Path(sys.argv[1]), sys.argv[2:]
    if os.environ["PADDLE_TRAINER_ID"] == "1":
        init_process_group(minutes=3, use_gpu=False)
        signal.pause()
    try:
        train(load_config("cpu_line", options), quiet=True)
    except PeerError as error:
        out.write_text(str(error), "utf-8")


main()
