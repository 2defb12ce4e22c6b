"""Importing this project changes nothing in the process that imports it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ocr_lib", "components", "pipelines")
# Prints what each import changes: environment, threads, signal handlers. OpenCV has to be loaded
# with its limit, so `ocr_lib.opencv` precedes the libraries whose own changes are not ours.
SCRIPT = """
import importlib, json, os, signal, sys, threading

def state():
    handlers = {str(number): str(signal.getsignal(number)) for number in signal.valid_signals()}
    return dict(os.environ), sorted(t.name for t in threading.enumerate()), handlers

for name in LIBRARIES:
    importlib.import_module(name)
before, changed = state(), {}
for name in MODULES:
    importlib.import_module(name)
    after = state()
    if after != before:
        environment = sorted(k for k, _ in before[0].items() ^ after[0].items())
        changed[name] = [environment, after[1], before[2] != after[2]]
        before = after
print(json.dumps(changed))
"""
# These run in Triton alone, with its module triton_python_backend_utils.
IN_TRITON = (
    "ocr_lib.serving.backends",
    "ocr_lib.serving.text_model",
    "components.deploy.text_model",
)


def modules() -> list[str]:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if not name.startswith(IN_TRITON):
                found.append(name.removesuffix(".__init__"))
    return found


def changes(libraries: list[str], names: list[str], path: str = "") -> dict[str, object]:
    """Imports modules one after the other in a process of its own; returns what each changed."""
    lists = f"LIBRARIES, MODULES = {libraries}, {names}\n"
    done = subprocess.run(
        [sys.executable, "-c", lists + SCRIPT],
        cwd=ROOT,
        env={"PATH": "", "HOME": str(ROOT / "build"), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_importing_any_module_changes_nothing() -> None:
    assert len(modules()) > 300
    assert changes(["ocr_lib.opencv", "paddle", "kfp", "kfp.local"], modules()) == {}


def test_importing_opencv_leaves_the_environment_as_it_was() -> None:
    """OpenCV's own loader adds to LD_LIBRARY_PATH; the limit on pixels is there only meanwhile."""
    changed = changes([], ["ocr_lib", "ocr_lib.opencv", "ocr_lib.data.decode"])
    assert changed == {"ocr_lib.opencv": [["LD_LIBRARY_PATH"], ["MainThread"], False]}


def test_a_module_that_changes_the_process_is_named(tmp_path: Path) -> None:
    (tmp_path / "changing.py").write_text(
        "import os, signal, threading\n"
        "os.environ['CHANGED'] = '1'\n"
        "signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
        "threading.Thread(target=threading.Event().wait, name='left', daemon=True).start()\n"
    )
    assert changes(["sys"], ["changing"], str(tmp_path)) == {
        "changing": [["CHANGED"], ["MainThread", "left"], True]
    }


@pytest.mark.parametrize(
    "module", ["pipelines.cli.main", "components.step_context", "ocr_lib.jobs.worker"]
)
def test_an_entry_point_loads_no_numeric_library_before_it_sets_up_the_process(module: str) -> None:
    code = f"import sys, {module}; print({{'numpy', 'cv2', 'paddle'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"set()\n"
