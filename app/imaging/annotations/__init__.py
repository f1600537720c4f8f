"""Masks as other tools' annotations: pure functions from a finished mask to data."""
