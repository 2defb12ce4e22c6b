"""`ocr dictionary`: names, entries, and one of labels."""

from tests.pipelines.cli.command import call


def test_dictionaries_are_listed_and_shown(capsys):
    call("dictionary", "list")
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"en", "ic15", "french", "ppocr_keys_v1"} <= set(names)
    call("dictionary", "show", "en", "--use-space-char")
    assert capsys.readouterr().out.splitlines()[-1] == "96\t' '"


def test_a_dictionary_is_built_from_lists(tmp_path):
    (tmp_path / "labels.txt").write_text("a.jpg\tba b\nb.jpg\tc\n")
    out = tmp_path / "d.txt"
    call("dictionary", "build", tmp_path / "labels.txt", "--out", out, "--no-space")
    assert out.read_text() == "a\nb\nc\n"
