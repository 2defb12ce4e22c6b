"""Nothing below an entry point looks for its surroundings, and one module reads the environment."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What starts a process: the step runner, the agent's `main`, and the command line.
ENTRY_POINTS = {
    "components/step_context.py": {"step_context"},
    "ocr_lib/jobs/agent.py": {"main"},
}
COMMAND_LINE = "pipelines/cli/"
# What uses os.environ, and for what. `Settings` alone hands values of it to the project's code.
ENVIRONMENT = {
    "ocr_lib/settings.py": "reads every variable",
    "ocr_lib/child_process.py": "copies it for processes that are started",
    "ocr_lib/cpu.py": "sets what numeric libraries read while they are loaded",
    "ocr_lib/opencv.py": "sets what OpenCV reads while it is loaded, for that time",
    "ocr_lib/serving/hidden_arguments.py": "hands it to the program that it becomes",
    "ocr_lib/training/parallel.py": "tells paddle to exchange by gloo, where there is no GPU",
}


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Yields path and syntax tree of each module of these folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def stores_from_env(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yields outermost function and line of each call of `Store.from_env`."""
    for statement in tree.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "Store.from_env":
                yield getattr(statement, "name", ""), node.lineno


@pytest.mark.parametrize("folder", ["ocr_lib", "components", "pipelines"])
def test_only_entry_points_build_a_store_from_the_environment(folder: str) -> None:
    found = [
        f"{path}:{line} in {function or 'the module'}"
        for path, tree in sources(folder)
        if not path.startswith(COMMAND_LINE)
        for function, line in stores_from_env(tree)
        if function not in ENTRY_POINTS.get(path, set())
    ]
    assert not found, f"take a store as an argument: {found}"


def test_the_entry_points_are_those_listed() -> None:
    for path, functions in ENTRY_POINTS.items():
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        assert {function for function, _ in stores_from_env(tree)} == functions


def test_one_module_reads_the_environment() -> None:
    found = {
        path
        for path, tree in sources("ocr_lib", "components", "pipelines")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.alias)
        and (node.attr if isinstance(node, ast.Attribute) else node.name)
        in {"environ", "environb", "getenv", "putenv"}
    }
    assert found == set(ENVIRONMENT)


# What people asked for, or a line of a rank's own log: everything else that runs unattended logs.
UNATTENDED = ("ocr_lib/jobs/", "ocr_lib/serving/", "ocr_lib/storage/", "components/")
ECHOING = {
    "components/step_context.py": "the error that ends a step, its last line",
    "components/evaluate/step.py": "the verdict, which `ocr pipeline status` reads",
    "components/preflight/step.py": "the report",
    "ocr_lib/jobs/agent.py": "the error that ends a pod",
    "ocr_lib/jobs/log_tailer.py": "lines of the ranks' logs",
    "ocr_lib/jobs/worker.py": "a rank's log",
    "ocr_lib/jobs/workers.py": "stacks of the ranks",
    "ocr_lib/serving/hidden_arguments.py": "what keeps it from becoming a server",
}


def test_what_runs_unattended_logs_instead_of_printing() -> None:
    printing = {
        path
        for path, tree in sources("ocr_lib", "components")
        if path.startswith(UNATTENDED)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"echo", "print", "sys.stderr.write", "traceback.print_exc"}
    }
    assert printing == set(ECHOING)


# Below an entry point, settings are an argument; each of these asks for its own, and says for what.
ASKING = {
    "ocr_lib/jobs/agent.py": "entry point: the process of a training pod",
    "ocr_lib/jobs/worker.py": "entry point: a rank",
    "ocr_lib/cpu.py": "for entry points: ranks on this machine",
    "ocr_lib/log_config.py": "for entry points: the format of the log",
    "ocr_lib/storage/store.py": "Store.from_env, for entry points",
    "ocr_lib/storage/setup.py": "`ocr store setup`: the administrator's key",
    "ocr_lib/config/custom_parts.py": "what this process may import",
    "ocr_lib/jobs/backends.py": "whether a pipeline's pod asks for a job",
    "ocr_lib/jobs/kubernetes_api.py": "where Kubernetes is",
    "ocr_lib/serving/blue_green.py": "how servers run a network",
    "ocr_lib/serving/limits.py": "RequestLimits.from_env, for models in Triton",
    "ocr_lib/serving/network_key.py": "for models in Triton: the key of their networks",
    "ocr_lib/serving/connection.py": "a client's TLS and key, unless it is given them",
    "ocr_lib/serving/triton_access.py": "ServerTls.from_env, for entry points",
    "ocr_lib/serving/triton_env.py": "where Triton is installed",
    "ocr_lib/training/parallel.py": "rank and world size, as Paddle's launcher hands them on",
    "pipelines/kfp_api/connection.py": "where Kubeflow is, and who asks",
}


def test_settings_are_asked_for_in_few_places() -> None:
    asking = {
        path
        for path, tree in sources("ocr_lib", "components", "pipelines")
        if not path.startswith(COMMAND_LINE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "Settings.from_env"
    }
    assert asking <= set(ASKING), "take what you need from Settings as an argument"
    assert asking == set(ASKING), "no longer asks: take it out"
