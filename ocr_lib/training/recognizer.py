"""A recognizer that runs a trained network."""

from ocr_lib.inference.recognizer import Forward, Recognizer
from ocr_lib.training.run_dir import TrainedModel
from ocr_lib.training.validation import forward_of


def trained_recognizer(trained: TrainedModel, forward: Forward | None = None) -> Recognizer:
    """Returns what reads with a trained network, or with another form of it."""
    forward = forward or forward_of(trained.model)
    decode = trained.algorithm.tokenizer.decode
    return Recognizer(trained.preprocess, trained.dictionary, forward, decode=decode)
