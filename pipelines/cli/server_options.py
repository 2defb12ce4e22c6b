"""The options that say where models are served, shared by the commands of `serving`."""

from ocr_lib.registry.production import check_model_name
from ocr_lib.serving.client import DEFAULT_MODEL
from ocr_lib.serving.endpoints import check_url
from ocr_lib.settings import Settings, variable_name
from pipelines.cli.command import option
from pipelines.cli.options import Checked

DEFAULT_URL = "localhost:8001"
URLS = variable_name("triton_urls")
STORE_HELP = "OCR_S3_ENDPOINT, OCR_S3_BUCKET and AWS_* name the store."

model_name = Checked("name", check_model_name)
address = Checked("host:port", check_url)

with_model = option("--model", type=model_name, default=DEFAULT_MODEL, help="name of the model")
with_urls = option(
    "--url",
    "urls",
    type=address,
    multiple=True,
    help="host:port of a Triton's gRPC protocol, once for each server, or a name that stands for "
    f"all of them, as a headless Service's does (default: {URLS}, else {DEFAULT_URL})",
)


def server_urls(urls: tuple[str, ...]) -> list[str]:
    """Returns the addresses that were named, or the default one.

    Raises:
        ConfigError: the environment's are not `host:port`.
    """
    if urls:
        return list(urls)
    named = Settings.from_env().triton_urls
    return [check_url(url, URLS) for url in named.split(",")] if named else [DEFAULT_URL]
