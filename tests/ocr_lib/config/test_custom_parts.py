"""Custom parts run only where the process that opens a configuration allows them by name."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from paddle import nn

from ocr_lib.config.custom_parts import allowed_parts, import_part
from ocr_lib.config.loader import load_config, load_settings
from ocr_lib.data.augment.base import Augmentation
from ocr_lib.data.transforms import build_augmentation
from ocr_lib.errors import ConfigError
from ocr_lib.losses import build_loss
from ocr_lib.models import build_model
from ocr_lib.training import load_run
from pipelines.cli.main import main
from tests.pipelines.mistakes import commands as all_commands

MODULE = "custom_parts_of_a_test"
SOURCE = """\
from pathlib import Path

from paddle import nn

from ocr_lib.data.augment.base import Augmentation

HERE = Path(__file__).parent
(HERE / "imported").touch()


class Backbone(nn.Layer):
    def __init__(self, in_channels: int):
        super().__init__()
        (HERE / "constructed").touch()
        self.out_channels = 8
        self.conv = nn.Conv2D(in_channels, 8, (48, 4), (48, 4))

    def forward(self, x):
        return self.conv(x)


class Loss(nn.Layer):
    pass


class Invert(Augmentation):
    def __call__(self, image, rng):
        return 255 - image


class Plain:
    def __init__(self, **arguments):
        (HERE / "constructed").touch()


def function(**arguments):
    (HERE / "constructed").touch()
"""
BACKBONE, LOSS, INVERT = (f"{MODULE}:{name}" for name in ("Backbone", "Loss", "Invert"))
BLOCK = f"{{name: '{BACKBONE}'}}"
NETWORK = [f"Architecture.Backbone={BLOCK}", "Architecture.Neck.encoder_type=reshape"]
RESHAPE = "Architecture.Neck={name: SequenceEncoder, encoder_type: reshape}"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module that Python finds and that leaves files when it is imported and used."""
    folder = tmp_path / "python"
    folder.mkdir()
    (folder / f"{MODULE}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv("OCR_ALLOW_PARTS", raising=False)
    yield folder
    sys.modules.pop(MODULE, None)


def used(module: Path) -> set[str]:
    return {name for name in ("imported", "constructed") if (module / name).exists()}


@pytest.mark.parametrize(
    ("named", "variable", "expected"),
    [
        ([], "", set()),
        (["a:B", "a.b.c:D"], "", {"a:B", "a.b.c:D"}),
        (["a:B"], "c:D, e:F,", {"a:B", "c:D", "e:F"}),
    ],
)
def test_the_list_is_of_options_and_environment(
    monkeypatch: pytest.MonkeyPatch, named: list[str], variable: str, expected: set[str]
) -> None:
    monkeypatch.setenv("OCR_ALLOW_PARTS", variable)
    assert allowed_parts(named) == expected


@pytest.mark.parametrize(
    "entry",
    ["", "a", "a:", ":B", "a:*", "*", "a.b", "a:B.c", "a::B", ".a:B", "a.:B", "a:B c", "a:B()"],
)
def test_an_entry_is_one_class_and_nothing_wider(
    monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    with pytest.raises(ConfigError, match=r"--allow-part: .* is not of the form"):
        allowed_parts([entry])
    if entry:
        monkeypatch.setenv("OCR_ALLOW_PARTS", f"a:B,{entry}")
        with pytest.raises(ConfigError, match=r"OCR_ALLOW_PARTS: .* is not of the form"):
            allowed_parts()


@pytest.mark.parametrize(
    ("override", "key"),
    [
        (f"Architecture.Backbone={BLOCK}", "Architecture.Backbone.name"),
        (f"Architecture.Head={BLOCK}", "Architecture.Head.name"),
        (f"Architecture.Neck={BLOCK}", "Architecture.Neck.name"),
        (f"Architecture.Transform={BLOCK}", "Architecture.Transform.name"),
        (
            f"Architecture={{name: DistillationModel, Models: {{Student: {{Backbone: {BLOCK}}}}}}}",
            "Architecture.Models.Student.Backbone.name",
        ),
        (f"Loss={BLOCK}", "Loss.name"),
        (f"Train.dataset.transforms=['{BACKBONE}': {{x: 1}}]", "Train.dataset.transforms.0"),
        (f"Eval.dataset.transforms=['{BACKBONE}']", "Eval.dataset.transforms.0"),
    ],
)
def test_a_configuration_with_a_custom_part_is_refused_by_name_and_key(
    module: Path, override: str, key: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("cpu_line", [override])
    assert str(caught.value) == (
        f"-o: {key}: {BACKBONE} is a custom part, whose code may not run here. If you trust its "
        f"code, pass --allow-part {BACKBONE}, or add it to OCR_ALLOW_PARTS."
    )
    load_config("cpu_line", [override], frozenset({BACKBONE}))  # names it, imports nothing
    assert used(module) == set()


def test_file_and_line_are_named(module: Path, tmp_path: Path) -> None:
    file = tmp_path / "my.yml"
    file.write_text(f"base: cpu_line\nArchitecture:\n  Backbone:\n    name: {BACKBONE}\n")
    with pytest.raises(ConfigError, match=r"my\.yml:4: Architecture\.Backbone\.name: custom_parts"):
        load_config(file, [], frozenset({f"{MODULE}:Other", MODULE, f"{BACKBONE}X"}))


def test_what_is_built_without_the_loader_is_refused_too(module: Path) -> None:
    config = load_config("cpu_line", [*NETWORK, f"Loss={{name: '{LOSS}'}}"], ALL)
    with pytest.raises(ConfigError, match=r"Architecture\.Backbone\.name: .* custom part"):
        build_model(config.architecture, 7)
    with pytest.raises(ConfigError, match=r"Loss\.name: .* custom part"):
        build_loss(config.loss)
    config = load_config("cpu_line", [f"Train.dataset.transforms=['{INVERT}']"], ALL)
    with pytest.raises(ConfigError, match=r"transforms\..*Invert: .* custom part"):
        build_augmentation(config.train.dataset.transforms)
    assert used(module) == set()


ALL = frozenset({BACKBONE, LOSS, INVERT})


def test_allowed_parts_are_built(module: Path) -> None:
    config = load_config("cpu_line", [f"Architecture.Backbone={BLOCK}", RESHAPE], ALL)
    model = build_model(config.architecture, 7, config.allowed_parts)
    assert type(model.backbone).__module__ == MODULE
    config = load_config("cpu_line", [f"Loss={{name: '{LOSS}'}}"], ALL)
    assert type(build_loss(config.loss, config.allowed_parts)).__module__ == MODULE
    config = load_config("cpu_line", [f"Train.dataset.transforms=['{INVERT}']"], ALL)
    built = build_augmentation(config.train.dataset.transforms, config.allowed_parts)
    assert type(built).__module__ == MODULE


@pytest.mark.parametrize(
    ("name", "base", "message"),
    [
        (f"{MODULE}:Plain", nn.Layer, r"not a subclass of paddle\.nn"),
        (f"{MODULE}:function", nn.Layer, "not a subclass"),
        (f"{MODULE}:HERE", nn.Layer, "not a subclass"),
        (f"{MODULE}:Invert", nn.Layer, "not a subclass"),
        (f"{MODULE}:Backbone", Augmentation, r"not a subclass of ocr_lib\.data\.augment\.base"),
        ("subprocess:Popen", nn.Layer, "not a subclass"),
        ("os:system", Augmentation, "not a subclass"),
        (f"{MODULE}:Nothing", nn.Layer, f"cannot import {MODULE}:Nothing"),
        ("no_such_module:Nothing", nn.Layer, "cannot import no_such_module:Nothing"),
    ],
)
def test_an_allowed_name_of_another_kind_is_not_called(
    module: Path, name: str, base: type, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^Key: .*{message}"):
        import_part(name, base, frozenset({name}), "Key")
    assert "constructed" not in used(module)


def test_a_run_folder_that_names_a_program_is_refused(tmp_path: Path) -> None:
    config = load_config(
        "cpu_line",
        [f'Architecture.Backbone={{name: "subprocess:Popen", args: [touch, "{tmp_path}/x"]}}'],
        frozenset({"subprocess:Popen"}),
    )
    (tmp_path / "config.yml").write_text(config.to_yaml())
    with pytest.raises(ConfigError, match=r"config\.yml:\d+: Architecture\.Backbone\.name"):
        load_run(tmp_path)
    with pytest.raises(ConfigError, match="not a subclass"):
        load_run(tmp_path, allowed_parts=frozenset({"subprocess:Popen"}))
    assert not (tmp_path / "x").exists()
    assert load_settings(tmp_path / "config.yml") == config.global_


def commands(run_dir: Path) -> Iterator[list[str]]:
    """Yields a call of each command that opens a configuration or a run directory."""
    file = str(run_dir / "config.yml")
    for command in (["config", "show"], ["config", "check"], ["config", "check", "--no-build"]):
        yield [*command, "-c", file]
    for name in ("preflight", "train", "eval", "infer"):
        yield [name, "-c", file, "-o", "Global.infer_img=x.png"]
    yield ["export", str(run_dir), str(run_dir / "bundle")]
    yield ["export", "-c", file]
    yield ["import", str(run_dir / "x.onnx"), "--out", str(run_dir / "imported"), "--config", file]
    yield ["dictionary", "migrate", str(run_dir / "a"), "--to", "en", "--out", str(run_dir / "b")]


@pytest.fixture
def run_dir(module: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    config = load_config("cpu_line", [f"Architecture.Backbone={BLOCK}", RESHAPE], ALL)
    (folder / "config.yml").write_text(config.to_yaml())
    (folder / "x.onnx").touch()
    return folder


def test_every_command_refuses_it_alike(
    module: Path, run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(run_dir.iterdir())
    for command in commands(run_dir):
        assert main(command) == 2, command
        out, err = capsys.readouterr()
        assert out == ""
        assert f"Architecture.Backbone.name: {BACKBONE} is a custom part" in err, command
        assert f"--allow-part {BACKBONE}" in err
        assert err.count("\n") == 1
    assert used(module) == set()
    assert set(run_dir.iterdir()) == before


@pytest.mark.parametrize("by", ["option", "environment"])
def test_every_command_takes_an_allowed_one(
    module: Path,
    run_dir: Path,
    by: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Those that need more than the configuration then complain of something else."""
    option = ["--allow-part", BACKBONE] if by == "option" else []
    if by == "environment":
        monkeypatch.setenv("OCR_ALLOW_PARTS", BACKBONE)
    for command in commands(run_dir):
        code = main([*command, *option])
        assert "custom part" not in capsys.readouterr().err, command
        assert code == (0 if command[0] == "config" else 2), command
    assert used(module) == {"imported", "constructed"}


def test_every_command_with_a_configuration_has_the_option() -> None:
    found = []
    for name, command in all_commands():
        options = {option for param in command.params for option in param.opts}
        if "--config" in options:
            found.append(name)
            assert "--allow-part" in options, name
    assert len(found) >= 8
