"""A server that speaks Kubeflow's API, and no credentials in the environment."""

from tests.pipelines.kfp_api.conftest import _no_credentials, package, server

__all__ = ["_no_credentials", "package", "server"]
