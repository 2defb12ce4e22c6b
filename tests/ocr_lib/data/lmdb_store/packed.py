"""Label lists with every kind of bad line."""

from pathlib import Path

from tests.ocr_lib.data.lines import image, write_lines


def add_line(labels: Path, line: str) -> None:
    with open(labels, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def bad_lines(folder: Path) -> Path:
    """Four good lines and one of each kind of bad one."""
    labels = write_lines(folder, ["good", "good too", "fine", "well"])
    whole = image(9)
    (folder / "images/cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "images/zeroed.jpg").write_bytes(whole[:-40] + bytes(40))
    (folder / "images/scan.jpg").write_bytes(image(9, kind=".tiff"))
    (folder / "images/text.jpg").write_text("not an image")
    (folder / "images/empty.jpg").write_bytes(b"")
    for line in (
        "images/none.jpg\tmissing",
        "images\ta folder",
        "images/cut.jpg\tcut",
        "images/zeroed.jpg\tzeroed",
        "images/text.jpg\ttext",
        "images/empty.jpg\tempty",
        "../secret.jpg\toutside",
        "/etc/hostname\toutside",
        "images/scan.jpg\tscanned",
        "images/labels.txt_0.jpg\t",
        "images/labels.txt_0.jpg\tlonger than it may be",
        "images/labels.txt_0.jpg\tm€n",
    ):
        add_line(labels, line)
    return labels
