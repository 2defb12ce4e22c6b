"""Each record of a head family: complete, consistent with its layers, and readable both ways."""

import numpy as np
import pytest
from paddle import nn

from ocr_lib.algorithms import ALGORITHMS, BY_HEAD, BY_POST_PROCESS, CTC, algorithm_named
from ocr_lib.errors import ConfigError
from ocr_lib.losses.build import LOSSES
from ocr_lib.models.tables import HEADS
from ocr_lib.text.dictionary import Charset

DICTIONARY = Charset(tuple("abcdefgh"))
each = pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=list(ALGORITHMS))


@each
def test_heads_and_loss_are_layers_that_a_configuration_can_name(algorithm):
    for name, layer in algorithm.head_layers().items():
        assert issubclass(layer, nn.Layer)
        assert HEADS[name] is layer
    assert LOSSES[algorithm.loss_name] is algorithm.loss_layer()


@each
def test_each_head_names_the_axes_that_another_dictionary_changes(algorithm):
    layers = algorithm.head_layers()
    assert all(hasattr(layers[name], "class_axes") for name in layers if name != "MultiHead")


@each
def test_an_encoded_label_decodes_to_its_text(algorithm):
    tokenizer = algorithm.tokenizer
    ids = tokenizer.encode([DICTIONARY.encode("badge")], 5 + tokenizer.marks, DICTIONARY)
    said = ids[:, 1:] if tokenizer.marks else ids
    classes = DICTIONARY.num_classes + {"ctc": 0, "nrtr": 4}.get(algorithm.name, 1)
    probs = np.zeros((1, said.shape[1], classes), np.float32)
    np.put_along_axis(probs, said[..., None], 1.0, axis=2)
    assert [read.text for read in tokenizer.decode(probs, DICTIONARY)] == ["badge"]


def test_no_name_belongs_to_two_algorithms():
    records = ALGORITHMS.values()
    heads = [n for a in records for n in {*a.heads, a.multi_head_entry} - {None}]
    assert len(heads) == len(BY_HEAD)
    assert sum(len(a.post_processes) for a in records) == len(BY_POST_PROCESS)
    assert len({a.loss_name for a in records}) == len(ALGORITHMS)


def test_a_model_of_an_unknown_algorithm_is_refused_by_name():
    assert algorithm_named("ctc", "bundle") is CTC
    with pytest.raises(ConfigError, match=r"^bundle: the algorithm is 'rfl', and this version kno"):
        algorithm_named("rfl", "bundle")
