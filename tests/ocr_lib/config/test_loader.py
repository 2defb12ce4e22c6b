import pytest

from ocr_lib.config.loader import load_config, load_values, merge
from ocr_lib.errors import ConfigError


def test_errors_name_file_line_and_key(minimal):
    minimal.write_text(minimal.read_text().replace("learning_rate: 1e-3", "learning_rat: 1e-3"))
    with pytest.raises(ConfigError) as caught:
        load_config(minimal)
    assert str(caught.value) == (
        f"{minimal}:7: Optimizer.lr.learning_rat: is not an argument of Cosine."
        " The nearest known name is learning_rate."
    )
    assert caught.value.exit_code == 2


def test_an_error_in_a_base_names_the_base(minimal, tmp_path):
    child = tmp_path / "child.yml"
    child.write_text("base: my.yml\nGlobal:\n  seed: 3\n")
    minimal.write_text(minimal.read_text().replace("epoch_num: 5", "epoch_num: five"))
    with pytest.raises(ConfigError) as caught:
        load_config(child)
    assert str(caught.value).startswith(f"{minimal}:2: Global.epoch_num: is 'five'")


def test_a_child_says_what_differs(minimal, tmp_path):
    child = tmp_path / "child.yml"
    child.write_text("base: my.yml\nGlobal: {seed: 3}\nOptimizer: {lr: {learning_rate: 1}}\n")
    config = load_config(child)
    assert (config.global_.seed, config.global_.epoch_num) == (3, 5)
    assert config.optimizer.lr.name == "Cosine"
    assert config.optimizer.lr.args == {"learning_rate": 1}
    assert "base" not in config.as_dict()


def test_a_block_of_another_name_replaces_the_base_block():
    below = {"lr": {"name": "Cosine", "learning_rate": 1, "warmup_epoch": 5}, "list": [1, 2]}
    above = {"lr": {"name": "Const", "learning_rate": 2}, "list": [3]}
    assert merge(below, above) == above
    assert merge(below, {"lr": {"name": "Cosine", "warmup_epoch": 0}})["lr"] == {
        "name": "Cosine",
        "learning_rate": 1,
        "warmup_epoch": 0,
    }
    assert below["lr"]["warmup_epoch"] == 5


def test_a_shipped_configuration_can_be_a_base(tmp_path):
    child = tmp_path / "my.yml"
    child.write_text("base: en_PP-OCRv3_rec\nGlobal:\n  epoch_num: 1\n")
    config = load_config(child)
    assert config.global_.epoch_num == 1
    assert config.loss.name == "MultiLoss"


def test_a_circle_of_bases_is_named(tmp_path):
    (tmp_path / "a.yml").write_text("base: b.yml\n")
    (tmp_path / "b.yml").write_text("base: a.yml\n")
    with pytest.raises(ConfigError, match=r"is its own base: a.yml → b.yml → a.yml"):
        load_config(tmp_path / "a.yml")


def test_a_missing_base_names_the_line(minimal):
    minimal.write_text("base: none.yml\n" + minimal.read_text())
    with pytest.raises(ConfigError, match=r"my.yml:1: base: there is no configuration none.yml"):
        load_config(minimal)
    minimal.write_text("base: [a, b]\n")
    with pytest.raises(ConfigError, match=r"my.yml:1: base: is \['a', 'b'\]"):
        load_config(minimal)


def test_byte_order_mark_and_windows_line_ends_are_read(minimal):
    expected, _ = load_values(minimal)
    minimal.write_bytes(b"\xef\xbb\xbf" + minimal.read_bytes().replace(b"\n", b"\r\n"))
    assert load_values(minimal)[0] == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "my.yml: holds no keys"),
        (b"- a\n", "my.yml: holds no keys"),
        (b"a: 1\nb: \xff\n", "my.yml:2: is not UTF-8"),
        (b"a: " + b"x" * (2 << 20), "my.yml: is larger than"),
    ],
)
def test_files_that_are_no_configurations_are_refused(minimal, content, message):
    minimal.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(minimal)
    assert message in str(caught.value)


def test_a_folder_or_nothing_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(ConfigError, match=r"is a folder, not a configuration. Name a file in it"):
        load_config(tmp_path)
    with pytest.raises(ConfigError, match=r"-c: there is no configuration .*`ocr config list`"):
        load_config("unlike-any-name")
    with pytest.raises(ConfigError, match=r"The nearest known name is en_PP-OCRv3_rec"):
        load_config("en_PPOCRv3_rec")


def test_equal_files_give_equal_bytes(minimal):
    assert load_config(minimal).to_yaml() == load_config(minimal).to_yaml()
