"""Training: `train(config)` fills a run directory, `load_run(folder)` brings its network back."""

from ocr_lib import quiet_paddle  # noqa: F401 (imports paddle first)
from ocr_lib.training.recognizer import forward_of
from ocr_lib.training.run import RunResult, train
from ocr_lib.training.run_dir import TrainedModel, load_model, load_run

__all__ = ["RunResult", "TrainedModel", "forward_of", "load_model", "load_run", "train"]
