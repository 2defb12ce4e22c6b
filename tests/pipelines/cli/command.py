"""Running a command's module as `ocr` does."""

import argparse
from types import ModuleType


def call(module: ModuleType, *arguments: object) -> int:
    """Parses the arguments and runs the command; returns its exit code."""
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return int(module.run(parser.parse_args([str(argument) for argument in arguments])))
