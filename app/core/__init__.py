"""Errors, labels, settings and telemetry that every layer shares; no HTTP, no TensorFlow."""
