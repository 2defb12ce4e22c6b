"""`ocr deploy` and `ocr rollback`, and what a deployment serves, on a real store and Triton."""

import json
from pathlib import Path

import pytest

from ocr_lib.digest import sha256_tree
from ocr_lib.errors import ConfigError, DataError
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.serving.version_change import DeployError
from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle
from tests.pipelines.cli.command import call


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    folder = tmp_path / "lines"
    folder.mkdir()
    for text in ("abc", "cab"):
        (folder / f"{text}.png").write_bytes(line_image(text))
    return folder


def test_deploy_query_list_and_roll_back(
    triton: TritonServer,
    store: Store,
    bundle: Path,
    lines: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = ("--model", "commands", "--url", triton.url)
    assert call("deploy", bundle, lines, *where) == 0
    assert capsys.readouterr().out.endswith("commands version 1 serves, the first one\n")

    assert call("query", lines, *where) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(Path(name).stem, text) for name, text, _ in rows] == [("abc", "abc"), ("cab", "cab")]
    assert all(0.5 < float(score) <= 1 for _, _, score in rows)

    asked = ("--json", "--char-scores", "--bulk", "--keep-below", "1.0")
    assert call("query", lines / "cab.png", *where, *asked) == 0
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert (answer["text"], answer["version"], len(answer["char_scores"])) == ("cab", 1, 3)
    assert printed.err.startswith("1 lines kept, 0 doubtful ones not.\n")

    (lines / "bad.png").write_text("no image")
    assert call("query", lines, *where, "--json") == 2
    printed = capsys.readouterr()
    assert [json.loads(line)["text"] for line in printed.out.splitlines()] == ["abc", "cab"]
    assert "bad.png: not an image" in printed.err

    assert call("models", "list", "--model", "commands") == 0
    assert capsys.readouterr().out.startswith("*    1  20")
    assert call("models", "show", 1, "--model", "commands") == 0
    registered = store.uri(f"registry/commands/bundles/{sha256_tree(bundle)}")
    assert json.loads(capsys.readouterr().out)["bundle"] == registered
    with pytest.raises(ConfigError, match="no earlier version"):
        call("rollback", *where)


def test_a_server_that_does_not_answer_leaves_no_version(
    store: Store, bundle: Path, lines: Path, closed_port: int
) -> None:
    where = ("--model", "absent", "--url", f"127.0.0.1:{closed_port}")
    with pytest.raises(DeployError, match=r"absent is not deployed: .* it does not answer"):
        call("deploy", bundle, lines, *where)
    with pytest.raises(ConfigError, match="there is no version of absent"):
        call("models", "list", "--model", "absent")


def test_it_replaces_another_version_when_told_to(
    store: Store, triton: TritonServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "abc.png"
    image.write_bytes(line_image("abc"))
    bundles = [write_bundle(tmp_path / str(n), sharpness=20.0 + n) for n in range(2)]
    where = ("--model", "by-hand", "--url", triton.url)
    forced = ("--force", "--reason", "exported by hand")
    with pytest.raises(DataError, match="not fit to serve: no gate has judged it"):
        call("deploy", bundles[0], image, *where)
    assert call("deploy", bundles[0], image, *where, *forced) == 0
    with pytest.raises(ConflictError, match=r"not judged against any.*`ocr deploy --force --rea"):
        call("deploy", bundles[1], image, *where)
    assert call("deploy", bundles[1], image, *where, *forced) == 0
    assert capsys.readouterr().out.endswith("by-hand version 2 serves, version 1 before it\n")
    assert call("models", "show", 2, "--model", "by-hand") == 0
    assert json.loads(capsys.readouterr().out)["forced"] == "exported by hand"
    assert call("deploy", tmp_path / "none", image, *where, *forced) == 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--force",), "--force: given without --reason"),
        (("--reason", "because"), "--reason: given without --force"),
        (("--force", "--reason", "x" * 501), "--reason: 501 characters"),
    ],
)
def test_force_and_its_reason_belong_together(
    bundle: Path, lines: Path, options: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        call("deploy", bundle, lines, *options)
