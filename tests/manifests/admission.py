"""Kubernetes' admission policies, evaluated here: the expressions alone."""

from typing import Any

import celpy
from celpy import celtypes

Tree = dict[str, Any]
FUNCTIONS = {"dyn": lambda value: value}  # what the library lacks


class Policy:
    """A ValidatingAdmissionPolicy.

    Args:
        policy: the object.
    """

    def __init__(self, policy: Tree) -> None:
        self._spec = policy["spec"]
        self._environment = celpy.Environment()

    def matches(self, item: Tree, resource: str, user: str) -> bool:
        """Tells whether the policy is about an object; its kind is not looked at."""
        given = self._given(item, resource, user)
        return all(self._value(c["expression"], given) for c in self._spec["matchConditions"])

    def refusals(self, item: Tree, resource: str, user: str) -> list[str]:
        """Returns the messages of all validations that an object does not pass."""
        given = self._given(item, resource, user)
        variables = celtypes.MapType()
        given["variables"] = variables
        for variable in self._spec["variables"]:
            name = celtypes.StringType(variable["name"])
            variables[name] = self._value(variable["expression"], given)
        return [
            validation["message"]
            for validation in self._spec["validations"]
            if not self._value(validation["expression"], given)
        ]

    def _given(self, item: Tree, resource: str, user: str) -> dict[str, Any]:
        request = {"resource": {"resource": resource}, "userInfo": {"username": user}}
        return {
            "object": celpy.json_to_cel(item),
            "request": celpy.json_to_cel(request),
        }

    def _value(self, expression: str, given: dict[str, Any]) -> Any:
        tree = self._environment.compile(expression)
        return self._environment.program(tree, functions=FUNCTIONS).evaluate(given)
