"""Trains as one of several processes; each writes down the weights that it ended with."""

import sys
from pathlib import Path

import numpy as np

from ocr_lib.config.loader import load_config
from ocr_lib.training import train
from ocr_lib.training.trainer import Trainer


def main(out: Path, options: list[str]) -> None:
    real = Trainer.fit

    def fit(self):
        progress = real(self)
        out.mkdir(parents=True, exist_ok=True)
        weights = {name: value.numpy() for name, value in self.system.network.state_dict().items()}
        np.savez(out / f"rank{self._parallel.rank}.npz", **weights)
        return progress

    Trainer.fit = fit
    train(load_config("cpu_line", options))


main(Path(sys.argv[1]), sys.argv[2:])
