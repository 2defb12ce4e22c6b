from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.package import Package, read_package
from pipelines.kfp_api.upload import upload
from tests.pipelines.kfp_api.kfp_server import Fault, KfpServer


def test_a_package_becomes_a_version_named_by_commit_and_digest(
    server: KfpServer, kubeflow: Kubeflow, package: Package
) -> None:
    version = upload(kubeflow, package, "0123456789ab")
    assert version.new
    assert version.name == f"0123456789ab-{package.digest[:16]}"
    held = server.state.versions[version.version_id]
    assert package.digest in held.description
    assert set(held.pipeline_spec) == {"pipeline_spec", "platform_spec"}


def test_the_same_digest_is_not_uploaded_twice_whatever_the_commit(
    server: KfpServer, kubeflow: Kubeflow, package: Package
) -> None:
    first, second = (upload(kubeflow, package, commit) for commit in ("one", "two"))
    assert not second.new
    assert second.version_id == first.version_id
    assert len(server.calls("POST .*upload")) == 1
    assert len(server.calls("GET .*/versions/")) == 2  # read back both times


def test_a_version_is_found_among_many_pages(
    server: KfpServer, kubeflow: Kubeflow, package: Package, tmp_path: Path
) -> None:
    first = upload(kubeflow, package, "one")
    for number in range(5):
        path = tmp_path / f"{number}.yaml"
        path.write_bytes(package.content + f"# {number}\n".encode())
        assert upload(kubeflow, read_package(path), "one").new
    assert upload(kubeflow, package, "one").version_id == first.version_id


def test_a_server_that_loses_the_platform_document_is_found_out(
    server: KfpServer, kubeflow: Kubeflow, package: Package
) -> None:
    server.loses_platform = True
    with pytest.raises(ServiceError, match="does not hold the platform document"):
        upload(kubeflow, package, "one")


@pytest.mark.parametrize("fault", [Fault("upload", 503, after=True), Fault("upload", 0)])
def test_an_upload_whose_answer_is_lost_is_found(
    server: KfpServer, kubeflow: Kubeflow, package: Package, fault: Fault
) -> None:
    server.faults = [fault]
    assert upload(kubeflow, package, "one").version_id in server.state.versions
    assert len(server.calls("POST .*upload")) == 1


def test_an_upload_that_failed_is_an_error(
    server: KfpServer, kubeflow: Kubeflow, package: Package
) -> None:
    server.faults = [Fault("upload", 503)]
    with pytest.raises(ServiceError, match="simulated"):
        upload(kubeflow, package, "one")
    assert upload(kubeflow, package, "one").new  # the pipeline without a version is no obstacle


def test_another_upload_at_the_same_time_is_no_error(
    server: KfpServer, kubeflow: Kubeflow, package: Package
) -> None:
    upload(kubeflow, package, "one")
    server.faults = [Fault("GET /pipelines/names", 404)]  # as if it had been a moment earlier
    assert not upload(kubeflow, package, "one").new
