import json
from pathlib import Path

import pytest

from ocr_lib.config.loader import config_from_dict, load_config, load_values
from ocr_lib.config.shipped import ROOT, find_config, shipped_configs

NAMES = sorted(shipped_configs())


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_configuration_is_read_and_written_back(name):
    config = load_config(name)
    assert config_from_dict(config.as_dict()) == config


def test_each_has_a_name_of_its_own_a_title_and_few_lines():
    files = [p for p in ROOT.rglob("*.y*ml") if not p.name.startswith("_")]
    assert len(files) == len(NAMES)
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("# ")
        assert len(lines) <= 90, file


def test_paths_of_paddleocr_lead_to_the_shipped_files():
    expected = ROOT / "rec" / "PP-OCRv3" / "en_PP-OCRv3_rec.yml"
    for path in ("configs/rec/PP-OCRv3/en_PP-OCRv3_rec.yml", "en_PP-OCRv3_rec", str(expected)):
        assert find_config(path).samefile(expected)


def test_a_file_that_paddleocr_ends_in_yaml_is_found_by_path_and_name():
    expected = ROOT / "rec" / "PP-OCRv5" / "multi_language" / "te_PP-OCRv5_mobile_rec.yaml"
    path = "configs/rec/PP-OCRv5/multi_language/te_PP-OCRv5_mobile_rec.yaml"
    for name in (path, "te_PP-OCRv5_mobile_rec", "te_PP-OCRv5_mobile_rec.yaml"):
        assert find_config(name).samefile(expected)


def test_values_are_paddleocrs(shared_dir: Path):
    references = sorted((shared_dir / "compat" / "configs").glob("*.json"))
    references = [path for path in references if path.stem in shipped_configs()]
    assert len(references) >= 46
    for reference in references:
        stated = json.loads(reference.read_text(encoding="utf-8"))
        assert load_values(reference.stem)[0] == stated["config"], reference.stem
        assert find_config(stated["path"]) == find_config(reference.stem)
        assert config_from_dict(stated["config"]) == load_config(reference.stem)
