from pathlib import Path

import pytest

MINIMAL = """\
Global:
  epoch_num: 5
Optimizer:
  name: Adam
  lr:
    name: Cosine
    learning_rate: 1e-3
Architecture:
  model_type: rec
  Backbone: {name: MobileNetV3}
  Head: {name: CTCHead}
Train:
  dataset:
    transforms:
      - DecodeImage: {img_mode: BGR}
      - RecAug:
      - KeepKeys: {keep_keys: [image]}
"""


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    """A short configuration file."""
    file = tmp_path / "my.yml"
    file.write_text(MINIMAL)
    return file
