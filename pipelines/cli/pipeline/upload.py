"""`ocr pipeline upload`: the package becomes a version of its pipeline."""

import argparse

from ocr_lib.terminal import echo
from pipelines.cli.pipeline.arguments import add_package, get_package
from pipelines.kfp_api.connection import add_connection, connected

DESCRIPTION = """\
Upload the package as a version of its pipeline, named by git commit and
digest. A package that is there already is not uploaded again. Either way the
server's version is read back and compared: the pipeline and its Kubernetes
settings must both be what was sent."""
EXAMPLES = """\
  ocr pipeline upload --port-forward
  ocr pipeline upload --port-forward --placement one-node
  OCR_KFP_TOKEN_FILE=token ocr pipeline upload --host https://kubeflow.example.org"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ocr pipeline upload`."""
    add_package(parser)
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    """Uploads, and says under which name the version is there."""
    from pipelines.kfp_api.api import Kubeflow
    from pipelines.kfp_api.package import commit_of
    from pipelines.kfp_api.report import see
    from pipelines.kfp_api.upload import upload

    package = get_package(args)
    with connected(args) as connection:
        kubeflow = Kubeflow(connection)
        version = upload(kubeflow, package, commit_of())
        path = f"pipelines/details/{version.pipeline_id}/version/{version.version_id}"
        page = see(kubeflow, path)
    done = "uploaded" if version.new else "there already"
    echo(f"{package.name}  {version.name}  {done}, read back and equal")
    echo("\n".join(page))
    return 0
