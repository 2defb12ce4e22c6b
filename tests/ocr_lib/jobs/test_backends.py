from typing import get_args

from ocr_lib.jobs.backends import BACKENDS, resolve_backend
from ocr_lib.runspec.spec import TrainBackend


def test_every_backend_of_a_run_spec_is_there() -> None:
    assert set(BACKENDS) == set(get_args(TrainBackend))
    for name in get_args(TrainBackend):
        assert resolve_backend(name) == name
