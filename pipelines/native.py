"""The package as Kubernetes objects, for installations that keep pipelines in the cluster.

With Kubeflow Pipelines' Kubernetes-native API a pipeline and its versions are `kubectl apply`-ed,
or kept in a Git repository that a controller applies.
"""

from typing import Any

import yaml

API = "pipelines.kubeflow.org/v2beta1"


def native_manifests(
    spec: dict[str, Any], platform: dict[str, Any], version: str, namespace: str
) -> bytes:
    """Returns a Pipeline and a PipelineVersion as YAML, the same that kfp's compiler writes.

    Args:
        spec: the first document of the package.
        platform: its second document.
        version: name of the version; lower-case letters, digits and `-`.
        namespace: where Kubeflow Pipelines looks for them.
    """
    info = spec["pipelineInfo"]
    common = {"description": info.get("description", "")}
    documents = [
        {
            "apiVersion": API,
            "kind": "Pipeline",
            "metadata": {"name": info["name"], "namespace": namespace},
            "spec": {**common, "displayName": info.get("displayName", info["name"])},
        },
        {
            "apiVersion": API,
            "kind": "PipelineVersion",
            "metadata": {"name": version, "namespace": namespace},
            "spec": {
                **common,
                "displayName": version,
                "pipelineName": info["name"],
                "pipelineSpec": spec,
                "platformSpec": platform,
            },
        },
    ]
    text = yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True, width=100)
    return text.encode()
