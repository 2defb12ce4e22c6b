"""Nothing is read or waited for without a bound: every such call is found, or listed with a reason.

The calls are told by their names, since a syntax tree has no types: `x.result()` counts whatever x
is. A place that is added is given a bound or a deadline, or listed here with the reason why what
it reads or waits for has one already.
"""

import ast

import pytest

from tests.syntax import Calls

FOLDERS = ("ocr_lib", "components", "pipelines")

# Methods that read all there is.
READS = frozenset({"read_text", "read_bytes"})
# Methods that wait for another thread, process or machine, unless they get a time.
WAITS = frozenset({"join", "result", "wait", "communicate", "get", "acquire"})
# Functions that wait unless they get `timeout=`.
TIMED = frozenset(
    {
        *("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output"),
        *("socket.create_connection", "urllib.request.urlopen"),
        *("http.client.HTTPConnection", "http.client.HTTPSConnection"),
        *("urllib3.PoolManager", "urllib3.HTTPConnectionPool", "urllib3.HTTPSConnectionPool"),
        *("concurrent.futures.wait", "concurrent.futures.as_completed"),
    }
)
# Functions that read all of a file.
LOADS = frozenset({"json.load", "yaml.safe_load_all", "shutil.copyfileobj", "pickle.load"})

# file: function: call → the bound
CHOICE = "a method of the command line's options, which reads a configuration within its bounds"
PACKAGE = "a method of the command line's options: pipelines/kfp_api/package.py"
ALLOWED = {
    "ocr_lib/data/archive.py: write: shutil.copyfileobj": "a member, whose size was counted before",
    "ocr_lib/jobs/kubernetes_api.py: connect: NAMESPACE_FILE.read_text": "Kubernetes writes it",
    "ocr_lib/jobs/workers.py: children: path.read_text": "the kernel writes it",
    "ocr_lib/jobs/workers.py: listens: Path(f'/proc/{pid}/status').read_text": "as above",
    "ocr_lib/serving/feedback/recorder.py: _write: self._waiting.get": "a thread that waits for "
    "work; None ends it",
    "ocr_lib/storage/store_lease.py: store_lease: renewer.join": "it ends after the call that it "
    "is in, which has a deadline",
    "ocr_lib/storage/transfer.py: in_parallel: as_completed": "each transfer has a deadline",
    "ocr_lib/storage/transfer.py: in_parallel: job.result": "it is done",
    "ocr_lib/training/pickle_reader.py: read_pickle: machine.result": "no future: in memory",
    "ocr_lib/workers.py: _end_with_parent: parent.join": "a thread as long as its process",
    "ocr_lib/workers.py: _run: self._calls.get": "a thread that waits for work; None ends it",
    "ocr_lib/workers.py: shutdown: self._thread.join": "its calls are done: see end_pool",
    "pipelines/cli/data/preflight.py: preflight: choice.read": CHOICE,
    "pipelines/cli/model/eval.py: evaluate_model: choice.read": CHOICE,
    "pipelines/cli/model/export.py: export: ConfigChoice(_config_file(run, config), opt, "
    "allow_part).read": CHOICE,
    "pipelines/cli/model/predict.py: infer: choice.read": CHOICE,
    "pipelines/cli/pipeline/compile.py: upload: package.read": PACKAGE,
    "pipelines/cli/pipeline/run.py: run: package.read": PACKAGE,
    "pipelines/cli/pipeline/schedule.py: create: package.read": PACKAGE,
    "pipelines/cli/training/config.py: check: choice.read": CHOICE,
    "pipelines/cli/training/config.py: show: choice.read": CHOICE,
    "pipelines/cli/training/train.py: train: choice.read": CHOICE,
    "pipelines/compile.py: _written: package.read_bytes": "this process has just written it",
    "pipelines/compile.py: compile_pipeline: yaml.safe_load_all": "the same, in memory",
    "pipelines/compile.py: compile_rejudge: yaml.safe_load_all": "the same, in memory",
    "pipelines/kfp_api/package.py: _documents: yaml.safe_load_all": "in memory, 32 MiB at most",
    "pipelines/kfp_api/port_forward.py: port_forward: process.wait": "after SIGKILL",
    "pipelines/run_local.py: module: json.load": "its parent writes it and closes it",
}


class _Calls(Calls, ast.NodeVisitor):
    """Collects the calls of a module that have no bound, as `function: call`."""

    def visit_Call(self, node: ast.Call) -> None:
        name = self.qualified(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        has_timeout = any(word.arg in ("timeout", None) for word in node.keywords)
        has_argument = bool(node.args) or has_timeout
        reads = name in LOADS or method in READS or (method == "read" and not node.args)
        waits = (name in TIMED and not has_timeout) or (method in WAITS and not has_argument)
        if reads or waits:
            self.add(ast.unparse(node.func))
        self.generic_visit(node)


def test_every_call_has_a_bound_or_is_listed_with_the_reason() -> None:
    calls = set(_Calls.in_folders(FOLDERS))
    assert calls <= set(ALLOWED), "give it a bound or a deadline (ocr_lib/regular_file.py)"
    assert calls == set(ALLOWED), "no longer there: take it out"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("path.read_text()", "module: path.read_text"),
        ("def f():\n  return path.read_bytes()", "f: path.read_bytes"),
        ("with open(p) as file:\n  file.read()", "module: file.read"),
        ("import json\njson.load(file)", "module: json.load"),
        ("from json import load\nload(file)", "module: load"),
        ("import subprocess as s\ns.run(['x'])", "module: s.run"),
        ("from subprocess import check_output\ncheck_output(['x'])", "module: check_output"),
        ("process.wait()", "module: process.wait"),
        ("process.communicate()", "module: process.communicate"),
        ("thread.join()", "module: thread.join"),
        ("queue.get()", "module: queue.get"),
        ("future.result()", "module: future.result"),
        ("lock.acquire()", "module: lock.acquire"),
        ("from urllib.request import urlopen\nurlopen(url)", "module: urlopen"),
        ("import socket\nsocket.create_connection(a)", "module: socket.create_connection"),
        ("import http.client\nhttp.client.HTTPConnection(h)", "module: http.client.HTTPConnection"),
        ("import urllib3\nurllib3.PoolManager(4)", "module: urllib3.PoolManager"),
    ],
)
def test_each_kind_is_found(source: str, expected: str) -> None:
    assert _Calls.of(source) == [expected]


@pytest.mark.parametrize(
    "source",
    [
        "file.read(10)",
        "import subprocess\nsubprocess.run(['x'], timeout=3)",
        "import subprocess\nsubprocess.run(['x'], **options)",
        "process.wait(3)",
        "process.wait(timeout=3)",
        "','.join(words)",
        "words.get('x')",
        "future.result(timeout=1)",
        "import json\njson.loads(text)",
    ],
)
def test_what_is_bounded_is_not_found(source: str) -> None:
    assert _Calls.of(source) == []
