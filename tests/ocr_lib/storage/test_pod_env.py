from ocr_lib.storage.pod_env import store_env


def test_a_pod_names_the_secret_of_its_stage_and_holds_no_value() -> None:
    environment = {item["name"]: item["valueFrom"] for item in store_env("train")}
    assert environment == {
        "AWS_ACCESS_KEY_ID": {"secretKeyRef": {"name": "ocr-store-train", "key": "accesskey"}},
        "AWS_SECRET_ACCESS_KEY": {"secretKeyRef": {"name": "ocr-store-train", "key": "secretkey"}},
        "OCR_S3_ENDPOINT": {"configMapKeyRef": {"name": "ocr-object-store", "key": "endpoint"}},
        "OCR_S3_BUCKET": {"configMapKeyRef": {"name": "ocr-object-store", "key": "bucket"}},
        "AWS_DEFAULT_REGION": {"configMapKeyRef": {"name": "ocr-object-store", "key": "region"}},
        "OCR_CA_FILE": {"configMapKeyRef": {"name": "ocr-object-store", "key": "ca"}},
    }
