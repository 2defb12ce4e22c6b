from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.storage.store import Store
from ocr_lib.training.checkpoint import without_suffix
from pipelines.demo.options import DemoOptions
from pipelines.demo.pretrained import pretrained_overrides, pretrained_parameters


def test_an_import_brings_its_network_and_loses_its_characters(
    store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "import"
    folder.mkdir()
    for name in ("weights.pdparams", "dictionary.txt", "config.yml", "import.json"):
        (folder / name).write_text(name, "utf-8")
    found = pretrained_parameters(folder, store, tmp_path)
    assert found == pretrained_parameters(folder, store, tmp_path)
    assert pretrained_overrides(folder) == ("Global.character_dict_path=labels",)
    config = store.get_file(found["config"], tmp_path / "back.yml")
    assert config.read_text("utf-8") == "config.yml"
    fetched = store.fetch_source(found["pretrained_uri"], tmp_path / "fetched")
    assert without_suffix(fetched) == fetched / "weights"  # as training will look for it


def test_a_weights_file_is_uploaded_alone(store: Store, tmp_path: Path) -> None:
    (tmp_path / "w.pdparams").write_bytes(b"weights")
    found = pretrained_parameters(tmp_path / "w.pdparams", store, tmp_path)
    assert list(found) == ["pretrained_uri"]
    assert pretrained_overrides(tmp_path / "w.pdparams") == ()
    assert found["pretrained_uri"].endswith("/w.pdparams")


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="an empty folder"):
        DemoOptions(out=tmp_path / "out", pretrained=tmp_path)
    (tmp_path / "x").touch()
    with pytest.raises(ConfigError, match="no import"):
        DemoOptions(out=tmp_path / "out", pretrained=tmp_path)
