"""A server that speaks Kubeflow Pipelines' REST API, built from its published client models.

It answers with the models and reads requests into them, so that what is sent and what comes back
has the published form; it keeps pipelines, versions, runs and schedules in memory, writes down
every request, and fails on demand. It says nothing about how the real server behaves beyond that.
"""

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
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import kfp_server_api as kfp
import yaml

CLIENT = kfp.ApiClient()
API = "/apis/v2beta1"


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


class KfpServer:
    """The server, on a free port: `with KfpServer() as server: … server.url`.

    Args:
        token: the bearer token that requests need; empty for none.
        cookie: the same for a cookie.
    """

    def __init__(self, token: str = "", cookie: str = "") -> None:
        self.token, self.cookie = token, cookie
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
        http.send_header("Content-Type", "application/json")
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
