"""Batches for training, read and augmented ahead of the step; without paddle."""
