"""The few values that a parameter may have, as forms of user interfaces show them.

kfp 2.17.0 refuses `typing.Literal` in the signature of a pipeline, while the specification it
writes has a place for the values, which the backend checks since 2.16 by its release notes.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def offer(spec: Any, literals: Mapping[str, Sequence[str]]) -> None:
    """Writes the values into a pipeline's specification.

    Args:
        spec: the `PipelineSpec` message.
        literals: parameter → its values.
    """
    parameters = spec.root.input_definitions.parameters
    for name, values in literals.items():
        if name not in parameters:
            raise KeyError(name)
        for value in values:
            parameters[name].literals.add().string_value = value
