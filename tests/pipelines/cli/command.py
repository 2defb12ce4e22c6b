"""Running a command as `ocr` does, with its errors raised."""

from pipelines.cli.main import run


def call(name: str, *arguments: object) -> int:
    """Runs a command; returns its exit code, which is 2 where an argument is wrong."""
    return run([name, *map(str, arguments)])
