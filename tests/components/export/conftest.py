"""A small run, for these tests."""

from tests.components.trained_run import data, model, session_store, trained

__all__ = ["data", "model", "session_store", "trained"]
