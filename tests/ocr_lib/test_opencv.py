"""OpenCV's own limit on pixels is in force on every way to it, and ours where it is not.

OpenCV reads its limit when it is loaded, so each of these runs in a process of its own.
"""

import ast
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import ocr_lib
from ocr_lib.opencv import LIMIT, MAX_PIXELS
from pipelines.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
GROWTH_KIB = 8 << 10  # of a process that refuses a picture of 81 million pixels, 243 MB decoded

# Imports each module in a process that has loaded nothing before. The first import of cv2 ends it:
# paddle, which takes seconds, imports cv2 as well.
IMPORT_EACH = """
import importlib, json, os, sys
writing = None

def say(what):
    os.write(writing, json.dumps(what).encode())
    os._exit(0)

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "cv2":
            say(os.environ.get("OPENCV_IO_MAX_IMAGE_PIXELS"))

sys.meta_path.insert(0, Watch())
found = {}
for name in json.loads(sys.stdin.read()):
    reading, writing = os.pipe()
    if not os.fork():
        importlib.import_module(name)
        say("no OpenCV")
    os.close(writing)
    with os.fdopen(reading) as answer:
        found[name] = json.loads(answer.read() or '"failed"')
    os.wait()
print(json.dumps(found))
"""


def run(script: str, given: str = "", **environment: str) -> str:
    """Runs a script in a process of its own; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=given,
        env={k: v for k, v in os.environ.items() if not k.startswith("OPENCV")} | environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout


def entry_points() -> list[str]:
    """Returns the modules that a process may begin with: commands, steps, what others import."""
    commands = sorted({target.partition(":")[0] for target, _ in COMMANDS.values()})
    steps = [
        f"components.{path.parent.name}.step"
        for path in sorted((ROOT / "components").glob("*/step.py"))
        if (path.parent / "component.py").is_file()
    ]
    library = [f"ocr_lib.{module.name}" for module in pkgutil.iter_modules(ocr_lib.__path__)]
    return [*commands, *steps, "ocr_lib.jobs.worker", "ocr_lib.data.image", *library]


@pytest.mark.slow
def test_opencv_is_loaded_with_the_limit_on_every_way_to_it() -> None:
    found = json.loads(run(IMPORT_EACH, json.dumps(entry_points())))
    limit = str(MAX_PIXELS)
    assert {name: what for name, what in found.items() if what not in (limit, "no OpenCV")} == {}
    loads = {name for name, what in found.items() if what == limit}
    assert {
        "ocr_lib.data.image",
        "pipelines.cli.model.predict",
        "components.evaluate.step",
    } <= loads


LOAD = """
import json, os
before = dict(os.environ)
from ocr_lib.opencv import cv2
from tests.ocr_lib.data.hostile_images import png_claim
import numpy
said = []
for width in (10, 4096, 4097):
    try:
        said.append(cv2.imdecode(numpy.frombuffer(png_claim(width, 4096), numpy.uint8), 1) is None)
    except cv2.error as error:
        said.append("MAX_IMAGE_PIXELS" in str(error) and "refused")
changed = {name for name, _ in before.items() ^ os.environ.items() if name.startswith("OPENCV")}
print(json.dumps([said, sorted(changed)]))
"""


@pytest.mark.parametrize("asked", [None, "100", "99999999999", "all", ""])
def test_the_environment_lowers_the_limit_and_never_raises_it(asked: str | None) -> None:
    """OpenCV itself says so; the environment is then as it was before."""
    said, changed = json.loads(run(LOAD, **{} if asked is None else {LIMIT: asked}))
    allowed = [True, True, "refused"]  # None: they have no pixels
    assert said == (["refused"] * 3 if asked == "100" else allowed)
    assert changed == []


REFUSE = """
import json, re
import cv2  # by the host program, without a limit
from ocr_lib.data.decode import check_image, decode_image
from ocr_lib.data.image import Preprocess
from ocr_lib.data.base import probe
from ocr_lib.errors import ImageError
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.text.dictionary import Charset
from tests.ocr_lib.data.hostile_images import png_claim, tiff_bomb

def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

before, said = peak_kib(), []
for data in (tiff_bomb(), png_claim(9000, 9000)):
    for decode in (decode_image, check_image):
        try:
            decode(data, "line.tif")
        except ImageError as error:
            said.append(str(error))
    reader = Recognizer(Preprocess(32, (96,)), Charset(("a",)), lambda batch: batch)
    said += [reader.read([data])[0].error, probe(data, 1)[2:4]]
print(json.dumps([len(tiff_bomb()), said, before, peak_kib() - before]))
"""


def test_a_few_kilobytes_of_many_pixels_are_refused_without_memory_for_them() -> None:
    """Also where the host program's OpenCV would decode them."""
    size, said, before_kib, used_kib = json.loads(run(REFUSE))
    assert size < 4000
    accepted = "convert the image to JPEG, PNG, BMP or WebP"
    format_named = f"TIFF is not accepted: {accepted}"
    size_named = "the image claims 9000x9000 pixels, more than 16,777,216 in all"
    assert said == [
        *[f"line.tif: {format_named}. Or remove its line."] * 2,
        *(format_named, [0, 0]),
        *[f"line.tif: {size_named}. Crop it to the text line."] * 2,
        *(size_named, [0, 0]),
    ]
    assert used_kib < GROWTH_KIB, f"{before_kib} KiB before"


def imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yields the package of every import, also of those by `import_module`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call):
            names = [a.value for a in node.args if isinstance(a, ast.Constant)]
        else:
            continue
        yield from (name.partition(".")[0] for name in names if isinstance(name, str))


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yields the path of every module, and what is in it."""
    for package in ("ocr_lib", "components", "pipelines"):
        for path in (ROOT / package).rglob("*.py"):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_bytes())


def test_one_module_alone_imports_opencv() -> None:
    importers = [path for path, tree in modules() if "cv2" in imports(ast.walk(tree))]
    assert importers == ["ocr_lib/opencv.py"]


def test_opencv_is_loaded_before_paddle_which_imports_it() -> None:
    """Packages with modules that import paddle begin with `quiet_paddle`."""
    packages = set()
    for path, tree in modules():
        if path != "ocr_lib/quiet_paddle.py" and "paddle" in imports(tree.body):
            packages.add("/".join(path.split("/")[:2]))
    assert "ocr_lib/training" in packages
    for package in packages:
        first = ast.parse((ROOT / package / "__init__.py").read_bytes()).body[1]
        assert isinstance(first, ast.ImportFrom)
        assert [alias.name for alias in first.names] == ["quiet_paddle"]
