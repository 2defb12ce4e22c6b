"""Finding one tensor in what several networks return."""

from typing import Any

from paddle import Tensor

from ocr_lib.errors import ConfigError

# PaddleOCR's name for the guiding head of PP-OCRv4.
SYNONYMS = {"gtc": "nrtr"}


def pick(outputs: dict[str, Any], model: str, key: str | None, head: str | None) -> Tensor:
    """Returns one network's output.

    Args:
        outputs: what a `DistillationModel` returns in training.
        model: the network.
        key: the stage, `head_out`, `backbone_out` or `neck_out`; a network that returns its head's
            output alone has no stages, and `head_out` means that.
        head: of a multi-head one head: "ctc", "sar" or "nrtr" (PaddleOCR: "gtc").

    Raises:
        ConfigError: there is none of that name.
    """
    output = _enter(outputs, model)
    if key is not None and (key != "head_out" or _has(output, key)):
        output = _enter(output, key)
    return output if head is None else _enter(output, SYNONYMS.get(head, head))


def _has(outputs: Any, name: str) -> bool:
    return isinstance(outputs, dict) and name in outputs


def _enter(outputs: Any, name: str) -> Any:
    if _has(outputs, name):
        return outputs[name]
    have = ", ".join(outputs) if isinstance(outputs, dict) else "one tensor"
    cause = f"the networks return nothing called {name!r} ({have})"
    fix = "See key, dis_head and the networks' names"
    raise ConfigError("Loss.loss_config_list", cause, fix)
