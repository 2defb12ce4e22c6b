"""Trains as one of several processes; each writes down the weights that it ended with."""

import sys
from pathlib import Path

import numpy as np

from ocr_lib.config.loader import load_config
from ocr_lib.training import train
from ocr_lib.training.trainer import Trainer


def main(out: Path, options: list[str]) -> None:
    real = Trainer.run

    def run(self):
        position = real(self)
        out.mkdir(parents=True, exist_ok=True)
        weights = {name: value.numpy() for name, value in self.model.state_dict().items()}
        np.savez(out / f"rank{self.parallel.rank}.npz", **weights)
        return position

    Trainer.run = run
    train(load_config("cpu_line", options))


main(Path(sys.argv[1]), sys.argv[2:])
