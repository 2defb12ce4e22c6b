"""The CTC head: class scores of every column."""

import paddle
import pytest

from ocr_lib.models.heads.ctc import CTCHead
from tests.ocr_lib.models.configured import configured

FEATURES = paddle.rand([2, 5, 8])


@pytest.mark.parametrize("arguments", [{}, {"mid_channels": 4}])
def test_training_gives_logits_and_evaluation_their_softmax(arguments) -> None:
    head = configured(CTCHead, 8, 6, **arguments)
    logits = head(FEATURES)
    assert logits.shape == [2, 5, 6]
    head.eval()
    assert paddle.allclose(head(FEATURES), paddle.nn.functional.softmax(logits, -1))


def test_features_come_with_the_logits_in_training_where_asked_for() -> None:
    head = configured(CTCHead, 8, 6, mid_channels=4, return_feats=True)
    features, logits = head(FEATURES)
    assert features.shape == [2, 5, 4]
    assert paddle.allclose(head.fc2(features), logits)
    head.eval()
    assert head(FEATURES).shape == [2, 5, 6]


@pytest.mark.parametrize("arguments", [{}, {"mid_channels": 4}])
def test_the_axes_of_the_classes_are_those_of_its_last_layer(arguments) -> None:
    head = configured(CTCHead, 8, 6, **arguments)
    state = head.state_dict()
    axes = list(head.class_axes())
    assert len(axes) == 2
    for axis in axes:
        assert state[axis.parameter].shape[axis.axis] == 6
        assert (axis.before, axis.after) == (1, 0)  # the blank is first


def test_it_starts_within_one_over_the_root_of_its_inputs_and_decays_alone() -> None:
    head = configured(CTCHead, 100, 6, fc_decay=0.25)
    assert float(head.fc.weight.abs().max()) <= 0.1
    assert head.fc.weight.regularizer._coeff == 0.25


def test_a_guided_head_reads_two_columns_to_either_side() -> None:
    head = configured(CTCHead, 8, 6, mid_channels=4, use_guide=True)
    head.eval()
    changed = FEATURES.clone()
    changed[:, 4] = 0.0
    differs = (head(FEATURES) - head(changed)).abs().sum(axis=[0, 2]) > 1e-6
    assert differs.tolist() == [False, False, True, True, True]
