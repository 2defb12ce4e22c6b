"""What a network returns in training, and which part of it is read."""

from collections.abc import Callable
from typing import Any

from ocr_lib.text.dictionary import Charset
from ocr_lib.text.tokenizer import Decode


def reading_logits(outputs: Any, network: str) -> Any:
    """Returns the logits [N, T, K] that are read, of all that networks return in training.

    Args:
        outputs: a tensor; features and a tensor; a multi-head's tensors by name; all stages by
            name; or any of these by the name of each network.
        network: the reading one, "" where there is only one.
    """
    found = outputs[network] if network else outputs
    for key in ("head_out", "ctc"):
        if isinstance(found, dict) and key in found:
            found = found[key]
    return found[-1] if isinstance(found, tuple | list) else found


def texts_of(decode: Decode, dictionary: Charset, network: str) -> Callable[[Any], list[str]]:
    """Returns a function from what networks return in training to the texts that were read."""

    def texts(outputs: Any) -> list[str]:
        logits = reading_logits(outputs, network).detach().astype("float32").numpy()
        return [answer.text for answer in decode(logits, dictionary)]

    return texts
