"""Engines, their choice, loading of model versions, and the segmenter: the service's use case without HTTP."""
