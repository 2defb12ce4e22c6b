"""Data sets in folders, for the tests of labels."""

from pathlib import Path


def write_labels(folder: Path, content: str | bytes, images: int = 9, name: str = "gt.txt") -> Path:
    """Writes a label file and empty images `word_1.jpg`, `word_2.jpg`, … beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    for i in range(1, images + 1):
        (folder / f"word_{i}.jpg").touch()
    return folder


def read_list(out: Path) -> list[str]:
    """Returns the lines of a written label list."""
    text = (out / "labels.txt").read_bytes().decode()
    assert text == "" or text.endswith("\n")
    return text.split("\n")[:-1]
