"""The arguments of every command, with a value that is right and the kinds of mistakes in it."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import click

from ocr_lib.gate import Thresholds
from pipelines.cli.commands import ocr
from pipelines.cli.main import main
from tests.components.eval_reports import report_with
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle

LONG_NAME, LONG_PATH = "x" * 300, "x/" * 2500


@dataclass(frozen=True)
class Argument:
    """An argument of a command.

    Attributes:
        name: as the parser shows it.
        kind: a key of `MISTAKES`.
        value: a right one, `{closed}` being an address at which nothing answers; None where the
            command goes without it.
    """

    name: str
    kind: str
    value: str | None = None

    def words(self, given: str) -> list[str]:
        """Returns the argument as it is typed."""
        return [self.name, given] if self.name.startswith("-") else [given]


ANY_PATH = {
    "empty": "",
    "NUL": "a\0b",
    "too long a name": LONG_NAME,
    "too long a path": LONG_PATH,
    "below a file": "labels.txt/x",
}
INPUT = {**ANY_PATH, "missing": "nosuch", "bytes that are no text": "nosuch\udcff"}
OUTPUT = {**ANY_PATH, "unwritable": "/proc/nosuch/x"}
NUMBER = {
    "empty": "",
    "words": "many",
    "negative": "-1",
    "not a number": "nan",
    "infinite": "inf",
    "huge": "9" * 400,
}
TEXT = {"empty": "", "NUL": "a\0b"}

MISTAKES: dict[str, dict[str, str]] = {
    "input": {**INPUT, "a device": "/dev/null"},
    "labels": {
        **INPUT,
        "a folder": "images",
        "not UTF-8": "latin.txt",
        "an empty file": "/dev/null",
    },
    "report": {**INPUT, "a folder": "images", "not UTF-8": "latin.txt", "not JSON": "labels.txt"},
    "file": {**INPUT, "a folder": "images"},
    "configuration": {
        **INPUT,
        "a folder": "images",
        "not UTF-8": "latin.txt",
        "no YAML": "bad.yml",
    },
    "dictionary": {**INPUT, "a folder": "images", "not UTF-8": "latin.txt"},
    "folder": {**INPUT, "a file": "labels.txt"},
    "bundle": {**INPUT, "a file": "labels.txt", "another folder": "images"},
    "data set": {**INPUT, "a file": "labels.txt", "another folder": "images"},
    "run": {**INPUT, "a file": "labels.txt", "another folder": "images"},
    "weights": {**INPUT, "no weights": "labels.txt"},
    "model": {**INPUT, "another file": "labels.txt", "another folder": "images"},
    "output file": {**OUTPUT, "a folder": "images"},
    "output folder": {**OUTPUT, "a file": "labels.txt"},
    "replaced folder": {**OUTPUT, "a file": "labels.txt", "another folder": "images"},
    "natural": {**NUMBER, "zero": "0", "a fraction": "1.5"},
    "count": {**NUMBER, "a fraction": "1.5"},
    "fraction": {**NUMBER, "above 1": "1.01"},
    "time": NUMBER,
    "signed": {**NUMBER, "below -1": "-1.01", "negative": "-2"},
    "port": {**NUMBER, "above all ports": "65536", "a fraction": "1.5"},
    "choice": {"empty": "", "unknown": "nosuch", "NUL": "a\0b"},
    "text": TEXT,
    "separator": {**TEXT, "a line end": "\n"},
    "prefix": {"NUL": "a\0b", "a line end": "a\nb", "an escape": "\x1b[2J"},
    "pattern": {"without its share": "x"},
    "model name": {**TEXT, "a path": "a/b", "blanks": "a b", "dots": "..", "capitals": "é"},
    "namespace": {**TEXT, "a path": "a/b", "capitals": "ABC", "too long": LONG_NAME},
    "bucket": {**TEXT, "blanks": "No_Such Bucket", "short": "a", "too long": LONG_NAME},
    "server": {
        **TEXT,
        "a URL": "http://host:1",
        "no port": "host",
        "no such port": "host:99999",
        "blanks": "a b:1",
    },
    "host": {
        **TEXT,
        "no URL": "somewhere",
        "no such port": "http://host:99999",
        "words for a port": "http://host:port",
        "another scheme": "ftp://host",
        "brackets": "http://[::1",
    },
    "address": {**TEXT, "a name": "somewhere", "too many parts": "1.2.3.4.5"},
    "override": {**TEXT, "no value": "Global.epoch_num", "unknown key": "Global.nosuch=1"},
    "part": {**TEXT, "no class": "os.system"},
    "parameter": {**TEXT, "no value": "model_name", "unknown": "nosuch=1"},
    "image": {**TEXT, "no reference": "train", "unknown": "nosuch=x"},
    "run id": {**TEXT, "a path": "../x", "blanks": "a b", "too long": LONG_NAME},
    "day": {"words": "yesterday", "NUL": "a\0b", "no such day": "2026-02-30"},
    "any word": {},
    "encoding": {**TEXT, "unknown": "nosuch"},
    "resource": {**TEXT, "blanks": "a b"},
    "threshold": {"empty": "", "words": "many", "negative": "-1", "not a number": "nan"},
    "checkpoint": {**TEXT, "missing": "nosuch"},
    "images": {**INPUT, "a folder without images": "run", "a device": "/dev/null"},
    "corrections": {**INPUT, "a folder": "images", "not UTF-8": "latin.txt"},
    "cron": {**TEXT, "five fields": "0 3 * * *", "never": "0 0 3 30 2 *", "words": "each night"},
    "zone": {**TEXT, "unknown": "Mars/Olympus", "outside": "../../etc/passwd"},
    "images of the package": {**INPUT, "a folder": "images", "not JSON": "labels.txt"},
    "parameters": {**INPUT, "a folder": "images", "not UTF-8": "latin.txt", "a list": "labels.txt"},
    "package": {**INPUT, "a folder": "images", "not a package": "labels.txt"},
}

PARTS = Argument("--allow-part", "part")
CONFIG = (Argument("-c", "configuration", "cpu_line"), Argument("-o", "override"), PARTS)
MODEL, URL = Argument("--model", "model name"), Argument("--url", "server", "{closed}")
CONNECTION = (
    Argument("--host", "host", "http://{closed}"),
    Argument("--ui", "host"),
    Argument("--namespace", "namespace"),
)
BUILD = (
    Argument("--placement", "choice"),
    Argument("--image", "image"),
    Argument("--images", "images of the package"),
    Argument("--train-accelerators", "count"),
    Argument("--accelerator", "resource"),
)
PACKAGE = (Argument("--package", "package", "package.yaml"), *BUILD)
RUN = (
    *PACKAGE,
    Argument("--params", "parameters"),
    Argument("--param", "parameter"),
    Argument("--experiment", "text"),
    Argument("--service-account", "namespace"),
)
BUCKET, ZONE = Argument("--bucket", "bucket"), Argument("--timezone", "zone")
SCHEDULE = (Argument("NAME", "text", "nightly"), *CONNECTION)
THRESHOLDS = tuple(
    Argument(
        f"--{field.name.replace('_', '-')}", "threshold" if field.name != "proof" else "choice"
    )
    for field in fields(Thresholds)
)

COMMANDS: dict[str, tuple[Argument, ...]] = {
    "synth": (
        Argument("OUT", "output folder", "new/synth"),
        Argument("--train", "natural", "3"),
        Argument("--test", "natural", "2"),
        Argument("--seed", "count"),
        Argument("--workers", "natural"),
    ),
    "gen-label": (
        Argument("SOURCE", "input", "labels.txt"),
        Argument("OUT", "output folder", "new/labels"),
        Argument("--mode", "choice"),
        Argument("--images", "folder"),
        Argument("--image-prefix", "prefix"),
        Argument("--max-bad-fraction", "fraction"),
        Argument("--placeholder", "any word"),
        Argument("--names-encoding", "encoding"),
        Argument("--work-dir", "output folder"),
    ),
    "dictionary list": (),
    "dictionary show": (Argument("NAME", "dictionary", "dict.txt"),),
    "dictionary build": (
        Argument("LISTS", "labels", "labels.txt"),
        Argument("--out", "output file", "new/dict.txt"),
        Argument("--min-count", "natural"),
    ),
    "dictionary migrate": (
        Argument("WEIGHTS", "weights", "nosuch/latest"),
        Argument("--to", "dictionary", "dict.txt"),
        Argument("--out", "replaced folder", "new/migrated"),
        PARTS,
    ),
    "pack-lmdb": (
        Argument("LABELS", "labels", "labels.txt"),
        Argument("IMAGE_ROOT", "folder", "."),
        Argument("OUT", "output folder", "new/lmdb"),
        Argument("--dictionary", "dictionary"),
        Argument("--max-text-length", "natural"),
        Argument("--max-bad-fraction", "fraction"),
        Argument("--shard-samples", "natural"),
        Argument("--workers", "natural"),
        Argument("--delimiter", "separator"),
        Argument("--role", "choice"),
        Argument("--validation-share", "fraction"),
        Argument("--document-pattern", "pattern"),
        Argument("--split-seed", "count"),
    ),
    "fsck": (Argument("DIR", "data set", "images"),),
    "config list": (Argument("WORD", "any word"),),
    "config show": CONFIG,
    "config check": CONFIG,
    "preflight": (
        *CONFIG,
        Argument("--max-bad-fraction", "fraction"),
        Argument("--max-leak-share", "fraction"),
        Argument("--report", "output file"),
        Argument("--json", "output file"),
    ),
    "import": (
        Argument("SOURCE", "model", "bundle/model.onnx"),
        Argument("--out", "replaced folder", "new/import"),
        Argument("--dictionary", "dictionary"),
        Argument("--config", "configuration"),
        PARTS,
        Argument("--images", "images"),
    ),
    "train": CONFIG,
    "eval": (
        *CONFIG,
        Argument("--bundle", "bundle"),
        Argument("--limit", "natural"),
        Argument("--json", "output file"),
        Argument("--html", "output file"),
    ),
    "infer": CONFIG,
    "gate": (
        Argument("CANDIDATE", "report", "report.json"),
        Argument("--champion", "report"),
        Argument("--html", "output file"),
        *THRESHOLDS,
    ),
    "gate-rates": (
        Argument("--samples", "natural", "10"),
        Argument("--difference", "signed", "0"),
        Argument("--accuracy", "fraction"),
        Argument("--disagreement", "fraction"),
        Argument("--checkpoints", "natural"),
        Argument("--correlation", "fraction"),
        Argument("--validation-samples", "natural"),
        Argument("--draws", "natural", "1"),
        Argument("--seed", "count"),
        *THRESHOLDS,
    ),
    "export": (
        Argument("RUN", "run", "run"),
        Argument("OUT", "replaced folder", "new/bundle"),
        Argument("--checkpoint", "checkpoint"),
        Argument("-c", "configuration"),
        Argument("-o", "override"),
        PARTS,
    ),
    "predict": (
        Argument("BUNDLE", "bundle", "bundle"),
        Argument("IMAGES", "images", "images"),
        Argument("--backend", "choice"),
        Argument("--threads", "natural"),
    ),
    "gc": (Argument("--policy", "configuration"),),
    "deploy": (
        Argument("BUNDLE", "bundle", "bundle"),
        Argument("IMAGES", "images", "images"),
        Argument("--shadow-percent", "time"),
        Argument("--shadow-max-changed", "fraction"),
        Argument("--reason", "text"),
        Argument("--wait-seconds", "time"),
        MODEL,
        URL,
    ),
    "rollback": (Argument("--to", "natural"), MODEL, URL),
    "models list": (MODEL,),
    "runs show": (Argument("RUN", "run id", "1"),),
    "runs diff": (Argument("RUN_A", "run id", "1"), Argument("RUN_B", "run id", "2")),
    "models show": (Argument("VERSION", "natural", "1"), MODEL),
    "models diff": (Argument("ONE", "natural", "1"), Argument("OTHER", "natural", "2"), MODEL),
    "models prune": (Argument("--keep", "count"), MODEL),
    "feedback list": (Argument("--since", "day"), MODEL),
    "feedback export": (
        Argument("OUT", "replaced folder", "new/feedback"),
        Argument("--upload", "text"),
        Argument("--since", "day"),
        MODEL,
    ),
    "feedback correct": (Argument("LIST", "corrections", "labels.txt"), MODEL),
    "feedback prune": (Argument("--days", "count"), MODEL),
    "serve": (
        MODEL,
        URL,
        Argument("--address", "address"),
        *(Argument(f"--{name}-port", "port") for name in ("grpc", "http", "metrics", "health")),
        Argument("--check-seconds", "time"),
        Argument("--drain-seconds", "time"),
    ),
    "query": (
        Argument("IMAGES", "images", "images"),
        URL,
        MODEL,
        Argument("--version", "natural"),
        Argument("--keep-below", "fraction"),
        Argument("--keep-share", "fraction"),
        Argument("--keep-a-day", "natural"),
        Argument("--timeout", "time"),
    ),
    "reap": (
        Argument("--namespace", "namespace"),
        Argument("--finished-hours", "time"),
        Argument("--young-minutes", "time"),
    ),
    "store secrets": (
        Argument("--kind", "choice"),
        Argument("--namespace", "namespace"),
        Argument("--steps-namespace", "namespace"),
        BUCKET,
    ),
    "store policy": (Argument("STAGE", "choice", "train"), BUCKET),
    "store setup": (Argument("--minio-keys", "folder"),),
    "pipeline compile": (
        Argument("--out", "output file", "new/package.yaml"),
        *BUILD,
        Argument("--native", "output file"),
        Argument("--namespace", "namespace"),
    ),
    "pipeline upload": (*PACKAGE, *CONNECTION),
    "pipeline run": (
        *RUN,
        Argument("--name", "text"),
        Argument("--deadline", "time"),
        *CONNECTION,
    ),
    "pipeline schedule create": (
        Argument("NAME", "text", "nightly"),
        Argument("--cron", "cron", "0 0 3 * * *"),
        *RUN,
        *CONNECTION,
        ZONE,
    ),
    "pipeline schedule list": (ZONE, *CONNECTION),
    "pipeline schedule pause": SCHEDULE,
    "pipeline schedule resume": SCHEDULE,
    "pipeline schedule delete": SCHEDULE,
    "pipeline status": (Argument("RUN", "text"), Argument("--count", "natural"), *CONNECTION),
    "pipeline logs": (
        Argument("RUN", "text", "a-run"),
        Argument("STEP", "text"),
        Argument("--lines", "natural"),
        Argument("--round", "natural"),
        *CONNECTION,
    ),
    "pipeline rejudge": (
        Argument("RUN", "run id", "a-run"),
        Argument("--out", "output folder"),
        *BUILD,
        Argument("--experiment", "text"),
        Argument("--service-account", "namespace"),
        Argument("--deadline", "time"),
        *CONNECTION,
    ),
    "pipeline cancel": (
        Argument("RUN", "text", "a-run"),
        Argument("--deadline", "time"),
        *CONNECTION,
    ),
    "completion": (Argument("SHELL", "choice", "bash"),),
    "demo": (
        Argument("--train", "input", "images"),
        Argument("--test", "input", "images"),
        Argument("--minutes", "time"),
        Argument("--pretrained", "run"),
        Argument("--out", "output folder", "new/demo"),
        Argument("--param", "parameter"),
    ),
}


def write_inputs(folder: Path) -> Path:
    """Writes what the right values name; returns the folder."""
    (folder / "images").mkdir()
    for number in range(4):
        (folder / "images" / f"{number}.png").write_bytes(line_image("abc"))
    lines = [f"images/{number}.png\tabc\n" for number in range(4)]
    (folder / "labels.txt").write_text("".join(lines))
    (folder / "latin.txt").write_bytes("images/0.png\tcafé\n".encode("latin-1"))
    (folder / "bad.yml").write_text("Global: {unclosed\n")
    (folder / "dict.txt").write_text("a\nb\nc\n")
    (folder / "params.yaml").write_text("model_name: receipts\n")
    (folder / "images.json").write_text('{"train": "x/y@sha256:' + "a" * 64 + '"}')
    (folder / "run").mkdir()
    (folder / "run" / "config.yml").write_text("base: cpu_line\n")
    assert main(["pipeline", "compile", "--out", str(folder / "package.yaml")]) == 0
    write_bundle(folder / "bundle")
    report_with(0.9).save(folder / "report.json")
    return folder


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yields every command that takes no further subcommand, by its full name."""
    yield from _leaves("", ocr, click.Context(ocr, info_name="ocr"))


def _leaves(
    name: str, command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name, command
        return
    for word in command.list_commands(context):
        child = command.get_command(context, word)
        assert child is not None
        yield from _leaves(f"{name} {word}".strip(), child, context)
