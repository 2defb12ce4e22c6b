"""Options that several subcommands of `ocr pipeline` share."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from components.images import NAMES, REFERENCE, Name, read_images
from ocr_lib.errors import ConfigError
from ocr_lib.settings import Settings
from ocr_lib.terminal import echo
from pipelines.cli.command import as_one, option
from pipelines.cli.options import (
    input_file,
    kind,
    namespace,
    output_file,
    real_number,
    text,
    whole_number,
)
from pipelines.compile import OUT, compile_pipeline
from pipelines.kfp_api.connection import (
    COOKIE,
    HOST,
    KFP_NAMESPACE,
    PASSWORD,
    POD_TOKEN,
    TOKEN,
    UI,
    USER,
    connect,
    is_url,
)
from pipelines.kfp_api.port_forward import port_forward
from pipelines.placement import ACCELERATOR, PLACEMENTS, BuildOptions, PlacementName

if TYPE_CHECKING:
    from pipelines.kfp_api.api import Kubeflow
    from pipelines.kfp_api.logs import OpenStore
    from pipelines.kfp_api.package import Package

AUTH_HELP = f"""\
Kubeflow Pipelines is found by --host (or {HOST}), by --port-forward, or, in a pod of its
cluster, by itself. Who you are comes from the environment; each of these also exists as
NAME_FILE, a file that holds the value:
  {TOKEN}                        a bearer token
  {COOKIE}                       a session cookie, name=value
  {USER}, {PASSWORD}  the form of Dex is filled in with them
In a pod the projected service account token is used ({POD_TOKEN})."""
MAX_ACCELERATORS = 64  # of one pod

minutes = real_number(0.0001, 60 * 24 * 365)


@kind("resource")
def resource(value: str) -> str:
    """Accepts the name of a Kubernetes resource, as nvidia.com/gpu."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9./_-]{0,250}[A-Za-z0-9])?", value):
        raise click.BadParameter(f"{value!r} is no name of a resource as nvidia.com/gpu")
    return value


@kind("url")
def url(value: str) -> str:
    """Accepts http://host or https://host."""
    if not is_url(value):
        raise click.BadParameter(f"{value!r} is not a URL as https://host")
    return value


@dataclass(frozen=True, slots=True)
class ConnectionChoice:
    """Where the command line says that Kubeflow Pipelines is."""

    host: str
    port_forward: bool
    ui: str | None
    namespace: str | None

    @contextmanager
    def open(self) -> Iterator["Kubeflow"]:
        """Yields what talks to it.

        Raises:
            ConfigError: there is no address, or a secret would travel in clear text.
        """
        from pipelines.kfp_api.api import Kubeflow

        ui, runs_in = self.ui or "", self.namespace or ""
        if not self.port_forward:
            yield Kubeflow(connect(self.host, ui, runs_in))
            return
        source = click.get_current_context().get_parameter_source("host")
        if source is ParameterSource.COMMANDLINE:
            raise ConfigError("--port-forward", "given with --host", "Leave one of them out")
        with port_forward(KFP_NAMESPACE, "svc/ml-pipeline", 8888) as forwarded:
            yield Kubeflow(connect(forwarded, ui, runs_in))


with_connection = as_one(
    "connection",
    ConnectionChoice,
    option(
        "--host",
        envvar=HOST,
        default="",
        show_default=False,
        metavar="URL",
        heading="Connection",
        help=f"its URL (or {HOST})",
    ),
    option(
        "--port-forward",
        is_flag=True,
        heading="Connection",
        help=f"reach it through kubectl, in namespace {KFP_NAMESPACE}",
    ),
    option("--ui", type=url, envvar=UI, heading="Connection", help=f"the UI's URL (or {UI})"),
    option(
        "--namespace",
        type=namespace,
        heading="Connection",
        help="of the runs, where there are many users",
    ),
)


def store_opener() -> "OpenStore | None":
    """Returns what opens the object store that the environment names; None where it names none."""
    from ocr_lib.storage.store import Store

    return Store.from_env if Settings.from_env().s3_endpoint else None


@dataclass(frozen=True, slots=True)
class BuildChoice:
    """What the command line says that a package is built for; None or empty where it does not."""

    placement: PlacementName | None
    image: tuple[str, ...]
    images: Path | None
    train_accelerators: int | None
    accelerator: str | None
    train_in_step: bool
    no_literals: bool

    @property
    def given(self) -> bool:
        """Tells whether the command line says anything of it."""
        named = self.placement or self.image or self.images or self.accelerator
        counted = self.train_accelerators is not None
        return bool(named or counted or self.train_in_step or self.no_literals)

    def options(self, base: BuildOptions | None = None) -> BuildOptions:
        """Returns what the package is built for.

        Args:
            base: what holds where the command line says nothing; None for the defaults.

        Raises:
            ConfigError: a value is not acceptable.
        """
        base = base or BuildOptions()
        images = read_images(self.images) if self.images else base.images
        accelerators = self.train_accelerators
        return BuildOptions(
            placement=self.placement or base.placement,
            images={**images, **named_images(self.image)},
            accelerator=self.accelerator or base.accelerator,
            train_accelerators=base.train_accelerators if accelerators is None else accelerators,
            train_in_step=self.train_in_step,
        )

    def compile(self, out: Path) -> None:
        """Writes the package, and says which images it runs by tag.

        Raises:
            ConfigError: a value is not acceptable.
        """
        options = self.options()
        compile_pipeline(out, options, literals=not self.no_literals)
        by_tag = [f"{name}={ref}" for name, ref in options.images.items() if "@sha256:" not in ref]
        if by_tag:
            echo(
                f"The package runs images by tag: {', '.join(by_tag)}. A registry may give a tag "
                "to other code later: compile with --images build/images.json, as "
                "`make images REGISTRY=… PUSH=1` wrote it.",
                err=True,
            )


def named_images(images: Iterable[str]) -> dict[Name, str]:
    """Returns `NAME=REFERENCE` arguments as name → reference.

    Raises:
        ConfigError: a name is unknown, or a reference is none.
    """
    references: dict[Name, str] = {}
    for argument in images:
        word, _, reference = argument.partition("=")
        name = next((known for known in NAMES if known == word), None)
        if name is None or not REFERENCE.fullmatch(reference):
            raise ConfigError(
                f"--image {argument}",
                "is not NAME=REFERENCE with a known name",
                f"Known names: {', '.join(NAMES)}",
            )
        references[name] = reference
    return references


def build_option(*names: str, **settings: Any) -> Any:
    """Adds an option that says what a package is built for."""
    return option(*names, heading="Build", **settings)


with_build = as_one(
    "build",
    BuildChoice,
    build_option(
        "--placement",
        type=click.Choice(PLACEMENTS),
        help="pools: each step on its node pool (the default); one-node: a cluster without pools "
        "and devices, requests that fit one small node",
    ),
    build_option(
        "--image",
        multiple=True,
        metavar="NAME=REFERENCE",
        help=f"image of a dependency set ({', '.join(NAMES)}); may be repeated",
    ),
    build_option("--images", type=input_file, help="all images by digest, as `make images` wrote"),
    build_option(
        "--train-accelerators",
        type=whole_number(0, MAX_ACCELERATORS),
        help="devices of each training pod (default: 1 on pools, 0 on one node); 0: no step asks "
        "for any",
    ),
    build_option("--accelerator", type=resource, help=f"a device's name (default: {ACCELERATOR})"),
    build_option(
        "--train-in-step",
        is_flag=True,
        help="give the train step itself the devices, for train_backend: local",
    ),
    build_option(
        "--no-literals",
        is_flag=True,
        help="without lists of allowed values, which backends before 2.16 do not know",
    ),
)


@dataclass(frozen=True, slots=True)
class PackageChoice:
    """The package to work with, compiled first where the command line says for what."""

    path: Path
    build: BuildChoice

    def read(self) -> "Package":
        """Returns the package.

        Raises:
            ConfigError: there is none, or an option's value is not acceptable.
        """
        from pipelines.kfp_api.package import read_package

        if self.build.given:
            self.build.compile(self.path)
        return read_package(self.path)


with_package = as_one(
    "package",
    PackageChoice,
    option(
        "--package",
        "path",
        type=output_file,  # it may be compiled first
        default=OUT,
        help="the compiled package; with any option of `Build` it is compiled before it is used",
    ),
    with_build,
)


@dataclass(frozen=True, slots=True)
class RunChoice:
    """What a run is given, and under which name it is kept."""

    params: Path | None
    param: tuple[str, ...]
    experiment: str
    service_account: str | None

    def parameters(self, package: "Package") -> dict[str, Any]:
        """Returns the run's parameters.

        Raises:
            ConfigError: a parameter is unknown, or its value is not acceptable.
        """
        from pipelines.kfp_api.parameters import read_parameters

        return read_parameters(self.params, self.param, package.parameters)


with_parameters = as_one(
    "choice",
    RunChoice,
    option("--params", type=input_file, help="YAML, a parameter a line"),
    option(
        "--param",
        multiple=True,
        metavar="NAME=VALUE",
        help="one parameter, the value in YAML; wins over the file; may be repeated",
    ),
    option("--experiment", type=text, default="ocr", help="groups runs in the UI"),
    option(
        "--service-account",
        type=namespace,
        metavar="NAME",
        help="of the steps' pods (default: the installation's own)",
    ),
)
