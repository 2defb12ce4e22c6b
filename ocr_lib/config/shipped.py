"""The configurations that come with the package, and finding one by path or name."""

from pathlib import Path

from ocr_lib.errors import ConfigError
from ocr_lib.nearest import nearest

ROOT = Path(__file__).resolve().parent.parent / "configs"


def shipped_configs() -> dict[str, Path]:
    """Returns name → file of every shipped configuration, sorted; templates are left out."""
    files = (p for p in ROOT.rglob("*.y*ml") if not p.name.startswith("_"))
    return {p.stem: p for p in sorted(files, key=lambda p: p.relative_to(ROOT).as_posix())}


def find_config(path: str | Path, folder: Path = Path(), where: str = "-c") -> Path:
    """Returns the file that `path` means.

    It is looked for as a path below `folder`, then below the shipped `configs/`, then as the name
    of a shipped configuration.

    Raises:
        ConfigError: there is none; names the nearest shipped one.
    """
    name = str(path)
    shipped = shipped_configs()
    inner = ROOT / name.removeprefix("./").removeprefix("configs/")
    for file in (
        folder / name,
        inner,
        shipped.get(name.removesuffix(".yml").removesuffix(".yaml")),
    ):
        if file is not None and file.is_file():
            return file
    if (folder / name).is_dir():
        raise ConfigError(where, f"{name} is a folder, not a configuration", "Name a file in it")
    fix = nearest(Path(name).stem, shipped, "`ocr config list` names the shipped ones")
    raise ConfigError(where, f"there is no configuration {name}", fix)
