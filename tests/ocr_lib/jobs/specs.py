"""A PaddleJob with everything set, and one with nothing."""

from ocr_lib.jobs.paddlejob import JobSpec, Pods
from ocr_lib.jobs.training_job import TrainRequest
from ocr_lib.runspec.job_options import JobOptions
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.pod_env import store_env

RUN = "0f6ad1b2-7a0e-4b0c-9d59-5b3f2c1d0e9a"


def work(run: str = RUN) -> TrainRequest:
    data = (
        ArtifactRef("s3://ocr/datasets/a", "aa" * 32),
        ArtifactRef("s3://ocr/datasets/b", "bb" * 32),
    )
    return TrainRequest(run, "cc" * 32, *data)


def plain(run: str = RUN) -> JobSpec:
    return JobSpec(run, work(run).to_json(), "registry/ocr-train@sha256:00")


def full() -> JobSpec:
    return JobSpec(
        RUN,
        work().to_json(),
        "registry/ocr-train@sha256:00",
        workers=4,
        pods=Pods(
            resources={
                "limits": {"nvidia.com/gpu": "8", "memory": "64Gi"},
                "requests": {"cpu": "16", "memory": "64Gi"},
            },
            node_selector={"ocr/pool": "gpu-train"},
            tolerations=(
                {
                    "key": "ocr/pool",
                    "operator": "Equal",
                    "value": "gpu-train",
                    "effect": "NoSchedule",
                },
            ),
            affinity={
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {
                                "matchExpressions": [
                                    {"key": "gpu", "operator": "In", "values": ["h100"]}
                                ]
                            }
                        ]
                    }
                }
            },
            env=tuple(store_env("train")),
            volumes=({"name": "cache", "emptyDir": {}},),
            volume_mounts=({"name": "cache", "mountPath": "/cache"},),
        ),
        options=JobOptions(
            deadline_hours=12,
            service_account="ocr-trainer",
            image_pull_secrets=("registry",),
            kueue_queue="research",
            gang=True,
            gang_queue="gpu",
            priority="high",
        ),
        attempt=2,
        pipeline_run=RUN,
    )
