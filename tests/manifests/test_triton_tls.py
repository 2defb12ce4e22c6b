"""Triton over TLS as the components say it: their arguments, files and settings, on this machine.

The server runs with the pod's arguments, keeper and rollback with their commands and environments,
and the certificates are those that `make-certificates.sh` makes; only paths and ports are others.
"""

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import kubernetes_validate
import pytest

from ocr_lib.child_process import child_environment, die_with_parent
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.registry.production import read_production
from ocr_lib.serving.repository_store import prepare_repository
from ocr_lib.serving.triton_env import find_triton, lay_out_backends, lay_out_code, triton_venv
from ocr_lib.storage.pod_env import (
    CA_CONFIG_MAP,
    CA_FOLDER,
    STORE_CONFIG_MAP,
    TRITON_CLIENT_FOLDER,
    TRITON_CLIENT_SECRET,
    TRITON_CONFIG_KEYS,
    TRITON_CONFIG_MAP,
)
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from pipelines.cli.main import main
from tests.manifests.overlays import (
    MANIFESTS,
    ROOT,
    Tree,
    build,
    certificates,
    containers,
    one,
    overlay,
    pods,
    variant,
)
from tests.manifests.pod_security import violations
from tests.ocr_lib.serving.certificates import KEY, Certificates
from tests.ocr_lib.serving.replica import Replica, free_ports
from tests.ocr_lib.serving.sockets import listening
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle
from tests.pipelines.cli.command import call

MODEL = "over-tls"
TEXTS = ("abc", "cab")
ADMIN = {"OCR_TRITON_ADMIN_KEY": KEY}


@pytest.fixture(scope="module", params=["triton-tls", "triton-mutual-tls"])
def component(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def objects(component: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, ...]:
    if component == "triton-tls":
        return overlay("dev-tls")
    return build(variant(tmp_path_factory.mktemp("manifests"), "dev-tls", "triton-tls", component))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the Secrets and ConfigMaps of the certificates hold, a folder each."""
    folder = tmp_path_factory.mktemp("mounted")
    for item in certificates("ocr-dev"):
        target = folder / item["metadata"]["name"]
        target.mkdir()
        for name, content in {**item.get("data", {}), **item.get("stringData", {})}.items():
            (target / name).write_text(content)
    return folder


class Running:
    """Triton with the pod's arguments, and what its clients in the manifests are told.

    Attributes:
        url: `localhost:port` of gRPC, as the keeper calls it.
        metrics: port of the metrics, which the probes ask.
        pid: the server's process id.
    """

    def __init__(self, objects: tuple[Tree, ...], files: Path, folder: Path) -> None:
        self._objects, self._files, self._folder = objects, files, folder
        self.pod: Tree = one(objects, "Deployment", "triton")["spec"]["template"]
        grpc, self.metrics = free_ports(2)
        self.url, self.pid = f"localhost:{grpc}", 0
        self._ports = (f"--grpc-port={grpc}", f"--metrics-port={self.metrics}")

    @contextmanager
    def started(self, store: Mapping[str, str]) -> Iterator["Running"]:
        triton = find_triton()
        container = container_of(self.pod, "triton")
        given = {**store, **ADMIN}
        arguments = [
            re.sub(r"\$\((\w+)\)", lambda name: given[name[1]], self.here("triton", argument))
            for argument in container["args"]
            if not argument.startswith("--backend-directory=")
        ]
        programs = {"python3": sys.executable, "tritonserver": str(triton.binary)}
        command = [
            *(
                programs.get(word, word.replace("/opt/ocr", str(ROOT)))
                for word in container["command"]
            ),
            *(*arguments, *self._ports, "--grpc-address=127.0.0.1"),
            f"--backend-directory={lay_out_backends(triton, self._folder / 'backends')}",
            f"--backend-config=python,shm-region-prefix-name=tls-{self.metrics}",
            *("--metrics-address=127.0.0.1", "--allow-gpu-metrics=false"),
        ]
        with (self._folder / "triton.log").open("wb") as log:
            process = subprocess.Popen(
                die_with_parent(command),
                env=child_environment(
                    {**given, **triton.variables()}, search=triton.search_paths()
                ),
                cwd=lay_out_code(self._folder / "code"),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.pid = process.pid
            yield self
        finally:
            process.terminate()
            process.wait(60)

    def here(self, name: str, value: str, pod: Tree | None = None) -> str:
        """Returns a value of a container with folders of this machine in place of its mounts."""
        pod = pod or self.pod
        sources = {
            volume["name"]: volume.get("configMap", volume.get("secret", {}))
            for volume in pod["spec"]["volumes"]
        }
        for mount in container_of(pod, name)["volumeMounts"]:
            source = sources[mount["name"]]
            folder = source.get("name", source.get("secretName"))
            if folder and "subPath" not in mount:
                value = value.replace(f"{mount['mountPath']}/", f"{self._files / folder}/")
        return value

    def tls_of(self, name: str, pod: Tree | None = None) -> dict[str, str]:
        """Returns what a container's environment says of TLS, with paths of this machine."""
        settings = one(self._objects, "ConfigMap", TRITON_CONFIG_MAP)["data"]
        keys = {
            variable["name"]: variable["valueFrom"]["configMapKeyRef"]
            for variable in container_of(pod or self.pod, name)["env"]
            if variable["name"] in TRITON_CONFIG_KEYS.values()
        }
        assert {item["name"] for item in keys.values()} == {TRITON_CONFIG_MAP}
        assert {item["key"]: name for name, item in keys.items()} == TRITON_CONFIG_KEYS
        return {
            variable: self.here(name, settings[item["key"]], pod) for variable, item in keys.items()
        }

    def tls_of_the_step(self) -> dict[str, str]:
        """Returns the same of the step that deploys, as the package mounts it."""
        settings = one(self._objects, "ConfigMap", TRITON_CONFIG_MAP)["data"]
        mounts = {CA_FOLDER: CA_CONFIG_MAP, TRITON_CLIENT_FOLDER: TRITON_CLIENT_SECRET}
        values = {TRITON_CONFIG_KEYS[key]: value for key, value in settings.items()}
        for folder, source in mounts.items():
            values = {
                name: value.replace(f"{folder}/", f"{self._files / source}/")
                for name, value in values.items()
            }
        return values


def container_of(pod: Tree, name: str) -> Tree:
    (container,) = [item for item in containers(pod) if item["name"] == name]
    return container


@pytest.fixture(scope="module")
def running(
    objects: tuple[Tree, ...],
    files: Path,
    s3_server: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    if not triton_venv().is_dir():
        pytest.skip("no Triton here: make setup")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment().items():
            patch.setenv(name, value)
        prepare_repository(Store.from_env())
    folder = tmp_path_factory.mktemp("pod")
    with Running(objects, files, folder).started(s3_server.environment()) as pod:
        yield pod


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    (tmp_path / "lines").mkdir()
    for text in TEXTS:
        (tmp_path / "lines" / f"{text}.png").write_bytes(line_image(text))
    return tmp_path / "lines"


@pytest.mark.slow
def test_everything_that_asks_the_servers_does_so_over_tls(
    running: Running,
    objects: tuple[Tree, ...],
    store: Store,
    s3_server: S3Server,
    lines: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The probes of the pod, its keeper, the step that deploys, a client, and the rollback."""
    for probe in ("startupProbe", "livenessProbe"):
        request = container_of(running.pod, "triton")[probe]["httpGet"]
        assert request["port"] == "metrics"
        url = f"http://127.0.0.1:{running.metrics}{request['path']}"
        poll_until(lambda url=url: answers(url), f"{url} to answer", 60, Pauses(0.1))
    assert running.metrics in listening(running.pid)
    assert len(listening(running.pid)) == 2  # gRPC and metrics: no HTTP

    keeper = container_of(running.pod, "keeper")["command"]
    assert keeper[:2] == ["ocr", "serve"]
    options = [option.replace("localhost:8001", running.url) for option in keeper[2:]]
    model = f"{MODEL}-{running.metrics}"
    environment = {**s3_server.environment(), **ADMIN, **running.tls_of("keeper")}
    where = ("--model", model, "--url", running.url)
    with Replica(tmp_path / "keeper", model, environment, *options) as replica:
        assert replica.wait_ready() == {model: "nothing is in production yet"}

        set_environment(monkeypatch, {**ADMIN, **running.tls_of_the_step()})
        for number, sharpness in enumerate((40.0, 60.0), 1):
            bundle = write_bundle(tmp_path / str(number), sharpness=sharpness)
            forced = ("--force", "--reason", "a test")
            assert call("deploy", bundle, lines, *where, *forced) == 0, capsys.readouterr().err
        second = (200, {model: "version 2 is in production"})
        poll_until(lambda: replica.health("ready") == second, "version 2", 60, Pauses(0.1))

    monkeypatch.delenv("OCR_TRITON_ADMIN_KEY")  # as a client has it
    capsys.readouterr()
    assert call("query", lines, *where) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [text for _, text, _ in rows] == list(TEXTS)

    rollback = one(objects, "CronJob", "ocr-rollback")["spec"]["jobTemplate"]["spec"]["template"]
    (container,) = containers(rollback)
    assert container["command"] == ["ocr", "rollback"]
    set_environment(monkeypatch, {**ADMIN, **running.tls_of("rollback", rollback)})
    assert call("rollback", *where) == 0, capsys.readouterr().err
    production = read_production(store, model)
    assert production is not None
    assert production.version == 1


@pytest.mark.slow
def test_clients_without_the_authority_are_told_the_setting(
    running: Running,
    component: str,
    store: Store,
    lines: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Those that deploy and read; nothing is deployed."""
    Certificates(tmp_path / "other")
    settings = running.tls_of_the_step()
    other = {**settings, "OCR_TRITON_TLS_CA": str(tmp_path / "other" / "ca.pem")}
    refused = [({}, "OCR_TRITON_TLS_CA"), (other, "OCR_TRITON_TLS_CA")]
    without = {**settings, "OCR_TRITON_TLS_CERT": "", "OCR_TRITON_TLS_KEY": ""}
    if component == "triton-mutual-tls":
        refused.append((without, "OCR_TRITON_TLS_CERT and OCR_TRITON_TLS_KEY"))
    bundle = write_bundle(tmp_path / "bundle")
    where = ("--model", f"{MODEL}-refused", "--url", running.url)
    for environment, setting in refused:
        set_environment(monkeypatch, {**ADMIN, **environment})
        for command in (
            ("query", lines),
            ("deploy", bundle, lines, "--force", "--reason", "a test"),
        ):
            assert main([*map(str, command), *where]) == 1
            said = capsys.readouterr().err.splitlines()[-1]
            assert said.startswith(f"ocr {command[0]}: ")
            assert f" Set {setting} to " in said
    assert read_production(store, f"{MODEL}-refused") is None


def test_mutual_tls_is_a_matter_of_the_certificates_of_clients(
    objects: tuple[Tree, ...], component: str
) -> None:
    """Each pod that asks the servers mounts what its settings name; the step's are optional."""
    for item in objects:
        kubernetes_validate.validate(item, "1.34", strict=True)
    asking = [
        (pod, container)
        for _, pod in pods(objects)
        for container in containers(pod)
        if any(v["name"] == "OCR_TRITON_TLS_CA" for v in container.get("env", ()))
        and container["name"] != "triton"
    ]
    assert [container["name"] for _, container in asking] == ["keeper", "rollback"]
    settings = one(objects, "ConfigMap", TRITON_CONFIG_MAP)["data"]
    for pod, container in asking:
        assert not violations(pod["spec"])
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        for key in ("ca", "cert", "key"):
            assert not settings[key] or str(Path(settings[key]).parent) in mounts
    assert bool(settings["cert"]) is (component == "triton-mutual-tls")


@pytest.mark.parametrize("name", ["prod", "dev-minio"])
@pytest.mark.parametrize("added", ["triton-tls", "triton-mutual-tls", "store-ca"])
def test_the_components_fit_the_other_overlays(tmp_path: Path, name: str, added: str) -> None:
    """Next to all that is there, with an autoscaler, GPUs and a store outside of the cluster."""
    both = f"images\n  - ../../components/{added}"
    objects = build(variant(tmp_path, name, "images", both))
    for item in objects:
        kubernetes_validate.validate(item, "1.34", strict=True)
    for owner, pod in pods(objects):
        assert not violations(pod["spec"]), owner
        names = [volume["name"] for volume in pod["spec"]["volumes"]]
        assert len(names) == len(set(names)), owner
    settings = one(objects, "ConfigMap", TRITON_CONFIG_MAP)["data"]
    assert bool(settings["ca"]) is (added != "store-ca")
    assert bool(one(objects, "ConfigMap", STORE_CONFIG_MAP)["data"]["ca"]) is (added == "store-ca")


def test_what_is_not_encrypted_is_closed(objects: tuple[Tree, ...]) -> None:
    pod = one(objects, "Deployment", "triton")["spec"]["template"]
    assert "--allow-http=false" in container_of(pod, "triton")["args"]
    assert {port["name"] for port in container_of(pod, "triton")["ports"]} == {"grpc", "metrics"}
    assert {p["name"] for p in one(objects, "Service", "triton")["spec"]["ports"]} == {
        "grpc",
        "metrics",
    }
    for name, direction in (("triton", "ingress"), ("triton-clients", "egress")):
        rules = one(objects, "NetworkPolicy", name)["spec"][direction]
        assert not any(port["port"] == 8000 for rule in rules for port in rule["ports"])


def test_steps_of_another_namespace_are_told_the_same() -> None:
    steps, servers = (
        one(items, "ConfigMap", TRITON_CONFIG_MAP)["data"]
        for items in (build(MANIFESTS / "kubeflow" / "dev-tls"), overlay("dev-tls"))
    )
    assert steps == servers
    assert steps["ca"] == f"{CA_FOLDER}/ca.crt"


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def set_environment(patch: pytest.MonkeyPatch, values: Mapping[str, str]) -> None:
    for name in TRITON_CONFIG_KEYS.values():
        patch.delenv(name, raising=False)
    for name, value in values.items():
        patch.setenv(name, value)
