"""What is set on the train task, as the pods of a job get it."""

from kfp.dsl import TaskConfig

from ocr_lib.jobs.resources import TOKEN_SECRET, pods_of
from ocr_lib.storage.access_policy import secret_name

# As Kubeflow's driver hands on a Secret that is a volume of the task.
TOKEN = {"name": TOKEN_SECRET, "secret": {"secretName": TOKEN_SECRET, "optional": True}}
SCRATCH = {"name": "scratch", "persistentVolumeClaim": {"claimName": "scratch"}}
MOUNTS = [
    {"name": TOKEN_SECRET, "mountPath": "/var/run/secrets/ocr-launcher"},
    {"name": "scratch", "mountPath": "/scratch"},
]


def test_the_token_that_starts_jobs_is_not_handed_on_to_their_pods() -> None:
    pods = pods_of(TaskConfig(volumes=[TOKEN, SCRATCH], volume_mounts=MOUNTS))
    assert pods.volumes == (SCRATCH,)
    assert pods.volume_mounts == (MOUNTS[1],)


def test_the_pods_reach_the_store_with_the_key_of_training_by_reference() -> None:
    own = {"name": "AWS_DEFAULT_REGION", "value": "eu-central-1"}
    env = {item["name"]: item for item in pods_of(TaskConfig(env=[own])).env}
    assert env["AWS_DEFAULT_REGION"] == own  # what the task says counts
    reference = env["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": secret_name("train"), "key": "secretkey"}


def test_a_task_without_settings_leaves_pods_without_any() -> None:
    pods = pods_of(TaskConfig())
    assert (pods.resources, pods.node_selector, pods.affinity) == ({}, {}, {})
    assert (pods.tolerations, pods.volumes, pods.volume_mounts) == ((), (), ())
