"""The names of Kubernetes namespaces as arguments; imports nothing that an image may lack."""

import argparse
import re


def namespace(text: str) -> str:
    """Parses the name of a Kubernetes namespace."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a namespace: up to 63 lower-case letters, digits and -"
        )
    return text
