"""The steps and groups of a compiled pipeline: what a run of it may come to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the pipeline that becomes a pod.

    Attributes:
        name: in the package, and in Argo.
        title: what readers see.
        groups: names of the conditions, loops and handlers around it, outermost first.
        in_loop: whether it may occur several times.
    """

    name: str
    title: str
    groups: tuple[str, ...] = ()
    in_loop: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """A compiled pipeline.

    Attributes:
        pipeline: its name, of which artifacts' URIs are made.
        tasks: in the order of the DAG.
        groups: name → title of every condition, loop and handler.
    """

    pipeline: str = ""
    tasks: tuple[Task, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)


def outline_of(spec: Any) -> Outline:
    """Reads a compiled pipeline; empty where there is none.

    Args:
        spec: what the server holds: the specification, alone or under `pipeline_spec`.
    """
    value = spec if isinstance(spec, dict) else {}
    value = value.get("pipeline_spec", value)
    if "root" not in value:
        return Outline()
    groups: dict[str, str] = {}
    tasks = tuple(_tasks(value, value["root"]["dag"], (), False, groups))
    return Outline(str(value.get("pipelineInfo", {}).get("name", "")), tasks, groups)


def _tasks(
    spec: Mapping[str, Any],
    dag: Mapping[str, Any],
    around: tuple[str, ...],
    in_loop: bool,
    groups: dict[str, str],
) -> Iterator[Task]:
    for name in _sorted(dag["tasks"]):
        task = dag["tasks"][name]
        title = task.get("taskInfo", {}).get("name", name)
        component = spec["components"][task["componentRef"]["name"]]
        if "dag" not in component:
            yield Task(name, title, around, in_loop)
            continue
        groups[name] = title
        loops = in_loop or "parameterIterator" in task or "artifactIterator" in task
        yield from _tasks(spec, component["dag"], (*around, name), loops, groups)


def _sorted(tasks: Mapping[str, Any]) -> list[str]:
    """Returns task names so that each comes after those it depends on."""
    done: list[str] = []
    waiting = sorted(tasks)
    while waiting:
        ready = [n for n in waiting if set(tasks[n].get("dependentTasks", ())) <= set(done)]
        done += ready or waiting
        waiting = [name for name in waiting if name not in done]
    return done
