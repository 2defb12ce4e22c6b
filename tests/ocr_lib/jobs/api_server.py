"""The few paths of a Kubernetes API server that the project's client asks for, over real HTTP."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubernetes import client

from ocr_lib.jobs.kubernetes_api import KubernetesApi

Tree = dict[str, Any]
NAMESPACE = "ns"


class ApiServer:
    """Holds jobs, pods, events and logs in memory; `failures` are answered first.

    Attributes:
        jobs: by name.
        pods: as they are listed, whatever the selector.
        events: as they are listed.
        logs: by pod.
        failures: status codes for the next requests; 0 closes the connection.
        asked: method and path of every request.
        keeps: a job that is deleted stays for this many more reads.
        kinds: resources of the group kubeflow.org/v1; none: the cluster does not know it.
        on_create: plays the operator, with each job that is made.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, Tree] = {}
        self.pods: list[Tree] = []
        self.events: list[Tree] = []
        self.logs: dict[str, str] = {}
        self.failures: list[int] = []
        self.asked: list[str] = []
        self.keeps = 0
        self.kinds = ["paddlejobs"]
        self.on_create: Callable[[Tree], None] = lambda job: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    def __enter__(self) -> "ApiServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def cluster(self) -> KubernetesApi:
        """A client of this server."""
        settings = client.Configuration()
        settings.host = f"http://127.0.0.1:{self._server.server_port}"
        settings.retries = False
        return KubernetesApi(client.ApiClient(settings), NAMESPACE)

    def kubeconfig(self, path: Path, namespace: str) -> Path:
        """Writes a kubeconfig that leads here, and returns its path."""
        context = {"cluster": "c", "user": "u", "namespace": namespace}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "contexts": [{"name": "x", "context": context}],
            "clusters": [
                {
                    "name": "c",
                    "cluster": {"server": f"http://127.0.0.1:{self._server.server_port}"},
                }
            ],
            "users": [{"name": "u", "user": {}}],
        }
        path.write_text(json.dumps(content))
        return path

    def answer(self, method: str, path: str, body: Tree | None) -> tuple[int, Any]:
        """Returns status and content."""
        if path.rstrip("/").endswith("/apis/kubeflow.org/v1"):
            return self._kinds()
        if "/paddlejobs" in path:
            return self._job(method, path.rpartition("/paddlejobs")[2].strip("/"), body)
        if path.endswith("/log"):
            name = path.split("/")[-2]
            return (200, self.logs[name]) if name in self.logs else (404, {"message": "no log"})
        if path.endswith("/pods"):
            return 200, {"items": self.pods}
        return 200, {"items": self.events}

    def _kinds(self) -> tuple[int, Any]:
        if not self.kinds:
            return 404, {"message": "the server could not find the requested resource"}
        facts = {"kind": "X", "namespaced": True, "singularName": "x", "verbs": ["get"]}
        resources = [{"name": name, **facts} for name in self.kinds]
        group = {"kind": "APIResourceList", "groupVersion": "kubeflow.org/v1"}
        return 200, {**group, "resources": resources}

    def _job(self, method: str, name: str, body: Tree | None) -> tuple[int, Any]:
        if method == "POST":
            assert body is not None
            made = body["metadata"]["name"]
            if made in self.jobs:
                return 409, {"message": f'paddlejobs "{made}" already exists'}
            self.jobs[made] = body
            self.on_create(body)
            return 201, body
        if not name:
            return 200, {"items": list(self.jobs.values())}
        if name not in self.jobs:
            return 404, {"message": f'paddlejobs "{name}" not found'}
        job = self.jobs[name]
        if method == "DELETE":
            job["metadata"]["deletionTimestamp"] = "2026-11-23T14:00:00Z"
        if job["metadata"].get("deletionTimestamp"):
            self.keeps -= 1
            if self.keeps < 0:
                del self.jobs[name]
        return 200, job


def _handler(server: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _serve(self) -> None:
            url = urlsplit(self.path)
            server.asked.append(f"{self.command} {url.path} {parse_qs(url.query)}")
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, content = server.failures.pop(0) if server.failures else None, {}
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            if status is None:
                status, content = server.answer(self.command, url.path, body)
            text = content if isinstance(content, str) else json.dumps(content)
            self.send_response(status)
            kind = "text/plain" if isinstance(content, str) else "application/json"
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815

    return Handler
