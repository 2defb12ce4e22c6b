"""A server that speaks Kubeflow Pipelines' REST API, built from its published client models.

It answers with the models and reads requests into them, so that what is sent and what comes back
has the published form; it keeps pipelines, versions, runs and schedules in memory, writes down
every request, and fails on demand.

`recorded/runs` holds what the real API server of Kubeflow Pipelines 2.17.0 answered, with its
persistence agent and Argo Workflows 4.0.5: `run` of `GET /apis/v2beta1/runs/…`, `workflow` of the
same run by v1beta1. Drivers and steps were programs that did nothing; `pipeline.json` is the
outline of what ran. Fields that are not read here were left out, and the namespace renamed.
"""

import base64
import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import kfp_server_api as kfp
import yaml

CLIENT = kfp.ApiClient()
API = "/apis/v2beta1"
RECORDED = Path(__file__).parent / "recorded" / "runs"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # when a run that goes on has ended


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def model(self, kind: str) -> Any:
        return CLIENT.deserialize(SimpleNamespace(data=self.body), kind)


@dataclass
class Fault:
    """How to answer the requests whose `METHOD path` matches.

    Attributes:
        match: a regular expression.
        status: answered instead; 0 closes the connection in the middle of the real answer.
        times: how often.
        after: the request is carried out all the same; only the answer is lost.
        body: of the answer.
        delay_s: waits before it answers.
    """

    match: str
    status: int = 503
    times: int = 1
    after: bool = False
    body: bytes = b'{"error": "simulated"}'
    delay_s: float = 0.0


@dataclass
class State:
    pipelines: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    experiments: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Any] = field(default_factory=dict)
    schedules: dict[str, Any] = field(default_factory=dict)
    workflows: dict[str, dict[str, Any]] = field(default_factory=dict)  # by run
    logs: dict[str, bytes] = field(default_factory=dict)  # by pod, what the server can read
    archive: dict[str, bytes] = field(default_factory=dict)  # by node


class KfpServer:
    """The server, on a free port: `with KfpServer() as server: … server.url`.

    Args:
        token: the bearer token that requests need; empty for none.
        cookie: the same for a cookie.
        pages: it has a user interface, as a gateway has; the API's own port has none.
    """

    def __init__(self, token: str = "", cookie: str = "", *, pages: bool = False) -> None:
        self.token, self.cookie, self.pages = token, cookie, pages
        self.serves_v1beta1 = True
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.state = State()
        self.progress: Callable[[Any], None] = lambda run: None  # moves a run on when it is read
        self.loses_platform = False
        self._clock = datetime(2026, 1, 1, tzinfo=UTC)
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                pass

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return lambda: owner._handle(self)
                raise AttributeError(name)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "KfpServer":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def calls(self, match: str = "") -> list[str]:
        """Returns `METHOD path` of every request so far that matches."""
        found = [f"{r.method} {r.path.removeprefix(API)}" for r in self.requests]
        return [call for call in found if re.search(match, call)]

    def active(self) -> list[str]:
        """Returns the ids of the schedules that are switched on."""
        return [s.recurring_run_id for s in self.state.schedules.values() if s.status == "ENABLED"]

    def replay(self, name: str) -> str:
        """Adds a recorded run, with its pipeline; returns its id."""
        recorded = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
        run = read_model(recorded["run"], "V2beta1Run")
        reference = run.pipeline_version_reference
        self.state.runs[run.run_id] = run
        self.state.workflows[run.run_id] = recorded["workflow"]
        self.state.versions[reference.pipeline_version_id] = kfp.V2beta1PipelineVersion(
            pipeline_id=reference.pipeline_id,
            pipeline_version_id=reference.pipeline_version_id,
            display_name="recorded",
            pipeline_spec={"pipeline_spec": json.loads((RECORDED / "pipeline.json").read_text())},
        )
        return str(run.run_id)

    def now(self) -> datetime:
        self._clock += timedelta(seconds=1)
        return self._clock

    def _handle(self, http: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(http.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in http.headers.items()}
        request = Request(http.command, unquote(parts.path), query, headers, body)
        with self._lock:
            self.requests.append(request)
            fault = self._fault(request)
            if fault is None or fault.after or fault.status == 0:
                status, content = self._answer(request)
            if fault is not None and fault.status:
                status, content = fault.status, fault.body
        if fault is not None:
            time.sleep(fault.delay_s)
        http.send_response(status)
        html = content.startswith(b"<!doctype html>")
        http.send_header("Content-Type", "text/html" if html else "application/json")
        http.send_header("Content-Length", str(len(content)))
        http.end_headers()
        broken = fault is not None and fault.status == 0
        with suppress(BrokenPipeError):  # a client that did not wait
            http.wfile.write(content[: len(content) // 2] if broken else content)
        http.close_connection = True

    def _fault(self, request: Request) -> Fault | None:
        call = f"{request.method} {request.path.removeprefix(API)}"
        for fault in self.faults:
            if fault.times and re.search(fault.match, call):
                fault.times -= 1
                return fault
        return None

    def _answer(self, request: Request) -> tuple[int, bytes]:
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return 401, b'{"error": "Unauthorized: no valid token"}'
        if self.cookie and self.cookie not in request.headers.get("cookie", ""):
            return 302, b""
        call = f"{request.method} {request.path}"
        if call == "GET /" and self.pages:
            return 200, b"<!doctype html><title>Kubeflow</title>"
        for pattern, other in OLDER:
            if found := re.fullmatch(pattern, call):
                return other(self, *found.groups())
        for pattern, action in ROUTES:
            if found := re.fullmatch(pattern, f"{request.method} {request.path.removeprefix(API)}"):
                try:
                    value = action(self, request, *found.groups())
                except KeyError as missing:
                    return 404, json.dumps({"error": f"{missing} not found"}).encode()
                except ValueError as taken:
                    return 409, json.dumps({"error": str(taken)}).encode()
                return 200, json.dumps(CLIENT.sanitize_for_serialization(value)).encode()
        return 404, b'{"error": "no such method"}'


def read_model(value: Any, kind: str) -> Any:
    """Reads JSON into a model of the client."""
    return CLIENT.deserialize(SimpleNamespace(data=json.dumps(value)), kind)


def run_v1(server: KfpServer, run_id: str) -> tuple[int, bytes]:
    """The run of the older API: the workflow, as a string."""
    if not server.serves_v1beta1 or run_id not in server.state.runs:
        return 404, b'{"error": "Not Found", "code": 5, "message": "Not Found"}'
    runtime = {}
    if run_id in server.state.workflows:
        runtime["workflow_manifest"] = json.dumps(server.state.workflows[run_id])
    return 200, json.dumps({"run": {"id": run_id}, "pipeline_runtime": runtime}).encode()


def pod_log(server: KfpServer, run_id: str, pod: str) -> tuple[int, bytes]:
    """The log of a pod; an error has the status 200 too, and comes where the log would."""
    if pod in server.state.logs:
        return 200, server.state.logs[pod]
    words = f"BadRequestError: Failed to read logs for run {run_id}: InternalServerError: …"
    return 200, json.dumps({"error_message": words, "error_details": ""}, indent=None).replace(
        '": ', '":'
    ).encode()


def archived(server: KfpServer, run_id: str, node: str) -> tuple[int, bytes]:
    if node not in server.state.archive:
        return 404, b'{"error_message":"artifact not found: <nil>"}'
    return 200, b'{"data":"' + base64.b64encode(server.state.archive[node]) + b'"}'


def page(items: list[Any], request: Request, field_: str, kind: Any) -> Any:
    """Returns one page of a list: filtered by name, two items a page, so that paging is seen."""
    if wanted := json.loads(request.query.get("filter", "{}")).get("predicates"):
        items = [i for i in items if i.display_name == wanted[0]["stringValue"]]
    if request.query.get("sort_by", "").endswith("desc"):
        items = items[::-1]
    start = int(request.query.get("page_token") or 0)
    more = start + 2 < len(items)
    return kind(
        **{field_: items[start : start + 2]}, next_page_token=str(start + 2) if more else ""
    )


def create_pipeline(server: KfpServer, request: Request) -> Any:
    pipeline = request.model("V2beta1Pipeline")
    if pipeline.name in [p.name for p in server.state.pipelines.values()]:
        raise ValueError("Already exist error: pipeline")
    pipeline.pipeline_id = str(uuid.uuid4())
    pipeline.created_at = server.now()
    server.state.pipelines[pipeline.pipeline_id] = pipeline
    return pipeline


def pipeline_by_name(server: KfpServer, request: Request, name: str) -> Any:
    return {p.name: p for p in server.state.pipelines.values()}[name]


def upload_version(server: KfpServer, request: Request) -> Any:
    content = re.split(rb"\r\n\r\n", request.body, maxsplit=1)[1]
    content = content[: content.rindex(b"\r\n--")]
    documents = list(yaml.load_all(content, Loader=yaml.CSafeLoader))
    if request.query["name"] in [v.display_name for v in server.state.versions.values()]:
        raise ValueError("Already exist error: version")
    spec = {"pipeline_spec": documents[0], "platform_spec": documents[1]}
    version = kfp.V2beta1PipelineVersion(
        pipeline_id=server.state.pipelines[request.query["pipelineid"]].pipeline_id,
        pipeline_version_id=str(uuid.uuid4()),
        name=request.query["name"],
        display_name=request.query["name"],
        description=request.query.get("description"),
        created_at=server.now(),
        pipeline_spec=documents[0] if server.loses_platform else spec,
    )
    server.state.versions[version.pipeline_version_id] = version
    return version


def versions(server: KfpServer, request: Request, pipeline: str) -> Any:
    found = [v for v in server.state.versions.values() if v.pipeline_id == pipeline]
    return page(found, request, "pipeline_versions", kfp.V2beta1ListPipelineVersionsResponse)


def version(server: KfpServer, request: Request, pipeline: str, name: str) -> Any:
    return server.state.versions[name]


def experiments(server: KfpServer, request: Request) -> Any:
    found = list(server.state.experiments.values())
    return page(found, request, "experiments", kfp.V2beta1ListExperimentsResponse)


def create_experiment(server: KfpServer, request: Request) -> Any:
    experiment = request.model("V2beta1Experiment")
    if experiment.display_name in [e.display_name for e in server.state.experiments.values()]:
        raise ValueError("Already exist error: experiment")
    experiment.experiment_id = str(uuid.uuid4())
    server.state.experiments[experiment.experiment_id] = experiment
    return experiment


def create_run(server: KfpServer, request: Request) -> Any:
    run = request.model("V2beta1Run")
    assert run.experiment_id in server.state.experiments
    assert run.pipeline_version_reference.pipeline_version_id in server.state.versions
    run.run_id, run.state, run.created_at = str(uuid.uuid4()), "PENDING", server.now()
    run.scheduled_at, run.finished_at = run.created_at, EPOCH
    server.state.runs[run.run_id] = run
    return run


def runs(server: KfpServer, request: Request) -> Any:
    found = list(server.state.runs.values())
    return page(found, request, "runs", kfp.V2beta1ListRunsResponse)


def run(server: KfpServer, request: Request, name: str) -> Any:
    server.progress(server.state.runs[name])
    return server.state.runs[name]


def terminate_run(server: KfpServer, request: Request, name: str) -> Any:
    server.state.runs[name].state = "CANCELING"
    return {}


def create_schedule(server: KfpServer, request: Request) -> Any:
    schedule = request.model("V2beta1RecurringRun")
    schedule.recurring_run_id, schedule.created_at = str(uuid.uuid4()), server.now()
    schedule.status = "ENABLED" if schedule.mode == "ENABLE" else "DISABLED"
    server.state.schedules[schedule.recurring_run_id] = schedule
    return schedule


def schedules(server: KfpServer, request: Request) -> Any:
    found = list(server.state.schedules.values())
    return page(found, request, "recurring_runs", kfp.V2beta1ListRecurringRunsResponse)


def switch_schedule(server: KfpServer, request: Request, name: str, action: str) -> Any:
    server.state.schedules[name].status = {"enable": "ENABLED", "disable": "DISABLED"}[action]
    return {}


def delete_schedule(server: KfpServer, request: Request, name: str) -> Any:
    del server.state.schedules[name]
    return {}


ID = r"([\w-]+)"
# `METHOD path` of what the published client has no method for.
OLDER: list[tuple[str, Callable[..., tuple[int, bytes]]]] = [
    (rf"GET /apis/v1beta1/runs/{ID}", run_v1),
    (rf"GET /apis/v1alpha1/runs/{ID}/nodes/{ID}/log", pod_log),
    (rf"GET /apis/v2beta1/runs/{ID}/nodes/{ID}/artifacts/main-logs:read", archived),
]
ROUTES: list[tuple[str, Callable[..., Any]]] = [
    (r"POST /pipelines", create_pipeline),
    (r"GET /pipelines/names/(.+)", pipeline_by_name),
    (r"POST /pipelines/upload_version", upload_version),
    (rf"GET /pipelines/{ID}/versions", versions),
    (rf"GET /pipelines/{ID}/versions/{ID}", version),
    (r"GET /experiments", experiments),
    (r"POST /experiments", create_experiment),
    (r"POST /runs", create_run),
    (r"GET /runs", runs),
    (rf"GET /runs/{ID}", run),
    (rf"POST /runs/{ID}:terminate", terminate_run),
    (r"POST /recurringruns", create_schedule),
    (r"GET /recurringruns", schedules),
    (rf"POST /recurringruns/{ID}:(enable|disable)", switch_schedule),
    (rf"DELETE /recurringruns/{ID}", delete_schedule),
]
