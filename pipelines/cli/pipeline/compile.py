"""`ocr pipeline compile` and `upload`: the package, as a file and as a version on the server."""

from pathlib import Path

from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.options import namespace, output_file
from pipelines.cli.pipeline.options import (
    AUTH_HELP,
    BuildChoice,
    ConnectionChoice,
    PackageChoice,
    with_build,
    with_connection,
    with_package,
)
from pipelines.compile import OUT, write_native


@command("compile")
@option("--out", type=output_file, default=OUT, help="the package")
@with_build
@option("--native", type=output_file, help="also write Kubernetes objects, for kubectl")
@option("--namespace", type=namespace, default="kubeflow", help="of the Kubernetes objects")
def compile_package(out: Path, build: BuildChoice, native: Path | None, namespace: str) -> None:
    """Compile the pipeline to a KFP package, ready to upload.

    Examples:
      ocr pipeline compile
      ocr pipeline compile --placement one-node
      ocr pipeline compile --images build/images.json
      ocr pipeline compile --out build/ocr_pipeline.yaml --image train=registry/ocr-train@sha256:…
    """
    build.compile(out)
    echo(f"{out}")
    if native:
        write_native(native, out, namespace, build.options(), literals=not build.no_literals)
        echo(f"{native}")


@command("upload", epilog=AUTH_HELP)
@with_package
@with_connection
def upload(package: PackageChoice, connection: ConnectionChoice) -> None:
    """Upload the package as a version of its pipeline, named by git commit and digest.

    A package that is there already is not uploaded again. Either way the server's version is read
    back and compared: the pipeline and its Kubernetes settings must both be what was sent.

    Examples:
      ocr pipeline upload --port-forward
      ocr pipeline upload --port-forward --placement one-node
      OCR_KFP_TOKEN_FILE=token ocr pipeline upload --host https://kubeflow.example.org
    """
    from pipelines.kfp_api.package import commit_of
    from pipelines.kfp_api.report import see
    from pipelines.kfp_api.upload import upload

    compiled = package.read()
    with connection.open() as kubeflow:
        version = upload(kubeflow, compiled, commit_of())
        path = f"pipelines/details/{version.pipeline_id}/version/{version.version_id}"
        page = see(kubeflow, path)
    done = "uploaded" if version.new else "there already"
    echo(f"{compiled.name}  {version.name}  {done}, read back and equal")
    echo("\n".join(page))
