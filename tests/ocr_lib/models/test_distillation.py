import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models import build_model
from ocr_lib.models.rec_model import RecModel
from tests.ocr_lib.models.architectures import CRNN_LITE

STUDENT = {**CRNN_LITE, "pretrained": None, "freeze_params": False, "return_all_feats": True}
TEACHER = {**STUDENT, "pretrained": "teacher/best_accuracy", "freeze_params": True}


def distillation(**models):
    return {"name": "DistillationModel", "algorithm": "Distillation", "Models": models}


@pytest.fixture(scope="module")
def model():
    return build_model(distillation(Teacher=TEACHER, Student=STUDENT, Student2=STUDENT), 7)


def test_networks_answer_by_name_and_name_their_parameters(model) -> None:
    model.eval()
    outputs = model(paddle.rand([1, 3, 32, 32]))
    assert list(outputs) == ["Teacher", "Student", "Student2"]
    assert outputs["Student2"].shape == [1, 8, 7]
    assert {name.split(".")[0] for name in model.state_dict()} == set(outputs)
    assert model.network("Teacher") is model.Teacher


def test_a_network_may_be_called_like_a_method_of_the_layer() -> None:
    assert isinstance(build_model(distillation(train=STUDENT), 7).network("train"), RecModel)


def test_what_a_network_starts_from_is_left_to_who_trains(model) -> None:
    assert model.pretrained == {"Teacher": "teacher/best_accuracy"}


def test_a_frozen_teacher_learns_neither_parameters_nor_statistics(model) -> None:
    model.train()
    before = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    outputs = model(paddle.rand([2, 3, 32, 32]))
    sum(o["head_out"].square().mean() for o in outputs.values()).backward()
    paddle.optimizer.SGD(0.1, model.parameters()).step()
    moved = {
        name.split(".")[0]
        for name, tensor in model.state_dict().items()
        if (tensor.numpy() != before[name]).any()
    }
    assert moved == {"Student", "Student2"}


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (distillation(), "Architecture.Models: names no network"),
        (
            distillation(Student={**STUDENT, "Neckk": 1}),
            "Models.Student.Neckk: is not a known key. The nearest known name is Neck",
        ),
        ({**CRNN_LITE, "freeze_params": True}, "Architecture.freeze_params: is not a known key"),
    ],
)
def test_a_wrong_distillation_is_refused(architecture, message) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model(architecture, 7)
