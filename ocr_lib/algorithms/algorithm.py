"""What the rest of the library knows of a family of heads."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from ocr_lib.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class LengthLimit:
    """A head's argument that limits the characters it writes.

    Attributes:
        key: the argument's name.
        default: its value where the configuration does not set it, in characters.
        exact: the head needs labels of exactly this length, not at most.
    """

    key: str
    default: int
    exact: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class RecognitionAlgorithm:
    """One family of heads.

    Attributes:
        name: what an exported bundle calls it, and a multi-head its outputs.
        tokenizer: labels → class ids, probabilities → texts.
        heads: `Architecture.Head.name` → the layer, as `module:Class`; imported with paddle only.
        multi_head_entry: its name in `head_list` of a MultiHead; None where it has no place there.
        target: the name of its labels in a batch.
        loss: the loss of one head of this family, as `module:Class`.
        post_processes: PaddleOCR's `PostProcess.name` → its arguments, which are accepted and
            ignored: the characters are Global's, as PaddleOCR has it, and `Metric.key` names the
            network. An exported model names the first.
        label_encoder: PaddleOCR's transform that encodes its labels.
        length_limit: the head's argument that limits how much it writes; None where the image's
            width decides.
    """

    name: str
    tokenizer: Tokenizer
    heads: Mapping[str, str]
    multi_head_entry: str | None = None
    target: str
    loss: str
    post_processes: Mapping[str, tuple[str, ...]]
    label_encoder: str
    length_limit: LengthLimit | None = None

    @property
    def loss_name(self) -> str:
        """The name that a configuration's `Loss` block uses."""
        return self.loss.rpartition(":")[2]

    def head_layers(self) -> dict[str, type]:
        """Imports the layers of its heads, by the names that a configuration uses."""
        return {name: _load(layer) for name, layer in self.heads.items()}

    def loss_layer(self) -> type:
        """Imports its loss."""
        return _load(self.loss)

    @property
    def post_process(self) -> str:
        """PaddleOCR's name for how the output of a single network becomes text."""
        return next(iter(self.post_processes))


def _load(path: str) -> type:
    module, _, name = path.partition(":")
    layer: type = getattr(import_module(module), name)
    return layer
