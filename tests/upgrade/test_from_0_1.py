"""What version 0.1 wrote is read and means the same: bundles, run directories, registry records.

`v0_1/` was written by version 0.1.0: two epochs of a small `cpu_line` on 64 synthetic lines,
exported, and the records of a deployment. `TEXTS` is what `ocr predict` of 0.1.0 printed.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.config.characters import dictionary_of
from ocr_lib.config.loader import load_config
from ocr_lib.export.paddle_runtime import RUNTIMES
from ocr_lib.inference.bundle import Bundle
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.inference.runtimes import Runtime, open_bundle
from ocr_lib.registry.production import list_versions, read_production
from ocr_lib.storage.store import Store
from ocr_lib.training.recognizer import trained_recognizer
from ocr_lib.training.run_dir import RunRecord, config_digest, load_run

FILES = Path(__file__).parent / "v0_1"
TEXTS = {
    "word_1.jpg": ("NW6`6`N6W6W6`NW6NW`N6WNDND.6", 0.014252),
    "word_2.jpg": ("6P6.D6.6.6.6Ds.6D6.6", 0.013971),
    "word_3.jpg": ("NWNWNDsD%.D.6.6", 0.013927),
}


def assert_reads_as_0_1(recognizer: Recognizer) -> None:
    images = [(FILES / "images" / name).read_bytes() for name in TEXTS]
    results = recognizer.read(images)
    assert [result.text for result in results] == [text for text, _ in TEXTS.values()]
    scores = [score for _, score in TEXTS.values()]
    np.testing.assert_allclose([result.score for result in results], scores, atol=1e-6)


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=list(RUNTIMES))
def test_bundle_answers_as_it_did(runtime: Runtime):
    assert_reads_as_0_1(open_bundle(FILES / "bundle", runtime))


def test_bundle_keeps_its_digest():
    digest = json.loads((FILES / "registry" / "production.json").read_bytes())["digest"]
    assert Bundle.open(FILES / "bundle").digest == digest


def test_trained_weights_answer_as_they_did(tmp_path):
    run_folder = shutil.copytree(FILES / "run", tmp_path / "run")
    assert_reads_as_0_1(trained_recognizer(load_run(run_folder, "latest")))


def test_unchanged_run_goes_on():
    config = load_config(FILES / "run" / "config.yml")
    record = RunRecord.load(FILES / "run")
    assert record is not None
    assert config_digest(config, dictionary_of(config.global_)) == record.config_digest


def test_registry_records_are_read(store: Store):
    store.put_file(FILES / "registry" / "production.json", "registry/lines/production.json")
    store.put_file(FILES / "registry" / "version-2.json", "registry/lines/versions/2.json")
    production = read_production(store, "lines")
    assert production is not None
    assert (production.version, production.predecessor) == (2, 1)
    assert [record.version for record in list_versions(store, "lines")] == [2]
