"""Optimisers and learning rates as configurations name them; no paddle."""
