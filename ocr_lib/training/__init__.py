"""Training: `train(config)` fills a run folder, `load_run(folder)` brings its network back."""

from ocr_lib import quiet_paddle  # noqa: F401 (imports paddle first)
from ocr_lib.training.run import RunResult, train
from ocr_lib.training.run_dir import TrainedModel, load_model, load_run
from ocr_lib.training.validation import forward_of

__all__ = ["RunResult", "TrainedModel", "forward_of", "load_model", "load_run", "train"]
