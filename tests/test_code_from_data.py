"""Every place where a name or a file could become running code, and that there are no others.

A place that is added is listed here, with the reason why what it takes does not come from a file.
"""

import ast

import pytest

from tests.syntax import Calls

FOLDERS = ("ocr_lib", "components", "pipelines", "images")

# Calls that import, execute or unpickle what they are given.
RUNS = frozenset(
    {
        *("importlib.import_module", "importlib.reload", "importlib.util.module_from_spec"),
        *("importlib.util.spec_from_file_location", "pkgutil.resolve_name", "pydoc.locate"),
        *("runpy.run_path", "runpy.run_module", "os.system", "os.popen", "code.interact"),
        *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads"),
        *("shelve.open", "ctypes.CDLL", "ctypes.cdll.LoadLibrary"),
        *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.Loader"),
        *("yaml.full_load_all", "yaml.unsafe_load_all", "yaml.FullLoader", "yaml.UnsafeLoader"),
        *("paddle.load", "paddle.jit.load", "paddle.static.load", "paddle.static.io.load"),
        *("paddle.static.load_inference_model", "paddle.static.deserialize_program"),
        *("paddle.hub.load", "paddle.inference.create_predictor", "torch.load"),
    }
)
BUILTINS = frozenset({"eval", "exec", "compile", "__import__"})
# Modules that exist to unpickle.
UNPICKLERS = frozenset({"dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"})

# file: function: call → where what it takes comes from
ALLOWED = {
    "ocr_lib/algorithms/algorithm.py: _load: getattr of a module": "the table of algorithms",
    "ocr_lib/algorithms/algorithm.py: _load: importlib.import_module": "the table of algorithms",
    "ocr_lib/atomic.py: module: ctypes.CDLL": "the C library of this process, for renameat2",
    "ocr_lib/config/component.py: load_table: getattr of a module": "metadata of dataclasses",
    "ocr_lib/config/component.py: load_table: importlib.import_module": "metadata of dataclasses",
    "ocr_lib/config/custom_parts.py: import_part: getattr of a module": "allowed names only",
    "ocr_lib/config/custom_parts.py: import_part: importlib.import_module": "allowed names only",
    "ocr_lib/export/paddle2_operators.py: old_operators: getattr of a module": "Paddle's "
    "table of a variable's methods",
    "ocr_lib/export/paddle_runtime.py: _predictor: paddle.inference.create_predictor": "a program "
    "of which every operator is known to compute and do nothing else",
    "ocr_lib/serving/hidden_arguments.py: _libc: ctypes.CDLL": "the C library of this process, for "
    "ptrace",
    "ocr_lib/training/optimizer.py: build_optimizer: getattr of a module": "a closed table",
    "pipelines/cli/command.py: get_command: importlib.import_module": "the table of commands",
    "pipelines/cli/command.py: get_command: getattr of a module": "the table of commands",
}


class _Calls(Calls, ast.NodeVisitor):
    """Collects the calls of a module that run what they are given, as `function: call`."""

    def visit_Import(self, node: ast.Import) -> None:
        super().visit_Import(node)
        for alias in node.names:
            self._module(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        super().visit_ImportFrom(node)
        self._module(node.module or "")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if self.qualified(node) in RUNS:
            self.add(self.qualified(node))
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if self.qualified(node) in RUNS:
            self.add(self.qualified(node))

    def visit_Call(self, node: ast.Call) -> None:
        name = self.qualified(node.func)
        if name in BUILTINS:
            self.add(name)
        given = {word.arg: ast.unparse(word.value) for word in node.keywords}
        if name == "numpy.load" and given.get("allow_pickle") != "False":
            self.add("numpy.load without allow_pickle=False")
        if given.get("shell", "False") != "False":
            self.add("a shell")
        if name == "getattr" and not isinstance(node.args[1], ast.Constant):
            target = node.args[0]
            if self.is_module(target) or isinstance(target, ast.Call):
                self.add("getattr of a module")
        self.generic_visit(node)

    def is_module(self, node: ast.expr) -> bool:
        """Tells whether an expression is a module, or an attribute of one that was imported."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.names

    def _module(self, name: str) -> None:
        if name.partition(".")[0] in UNPICKLERS:
            self.add(f"import {name}")


def test_no_other_place_turns_data_into_code() -> None:
    assert sorted(set(_Calls.in_folders(FOLDERS))) == sorted(ALLOWED)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("eval(x)", "module: eval"),
        ("def f():\n  exec(x)", "f: exec"),
        ("import importlib as i\ni.import_module(x)", "module: importlib.import_module"),
        ("from importlib import import_module as m\nm(x)", "module: importlib.import_module"),
        ("from importlib import import_module\nf(import_module)", "importlib.import_module"),
        ("import pickle\npickle.Unpickler(f)", "module: pickle.Unpickler"),
        ("import numpy as np\nnp.load(f)", "module: numpy.load without allow_pickle=False"),
        ("import numpy as np\nnp.load(f, allow_pickle=True)", "without allow_pickle=False"),
        ("import yaml\nyaml.load(f, yaml.SafeLoader)", "module: yaml.load"),
        ("import paddle\npaddle.jit.load(f)", "module: paddle.jit.load"),
        ("import paddle\ngetattr(paddle.optimizer, name)", "module: getattr of a module"),
        ("import subprocess\nsubprocess.run(x, shell=True)", "module: a shell"),
        ("import dill", "module: import dill"),
        ("from joblib import load", "module: import joblib"),
    ],
)
def test_each_kind_is_found(source: str, expected: str) -> None:
    assert any(call.endswith(expected) for call in _Calls.of(source))


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.load(f, allow_pickle=False)",
        "import yaml\nyaml.safe_load(f)",
        "import pickle\npickle.dump(x, f)",
        "import paddle\ngetattr(paddle, 'nn')",
        "import re\nre.compile(x)",
        "getattr(self, name)",
    ],
)
def test_what_is_harmless_is_not_found(source: str) -> None:
    assert _Calls.of(source) == []
