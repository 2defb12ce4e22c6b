"""Training: `train(config)` fills a run folder, `load_run(folder)` brings its network back."""

from ocr_lib import quiet_paddle  # noqa: F401 (imports paddle first)
from ocr_lib.train.evaluation import forward_of
from ocr_lib.train.run import RunResult, train
from ocr_lib.train.run_folder import TrainedModel, load_model, load_run

__all__ = ["RunResult", "TrainedModel", "forward_of", "load_model", "load_run", "train"]
