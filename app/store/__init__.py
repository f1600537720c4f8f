"""Versions of models on disk: manifest, checksums, aliases, atomic publishing; standard library and pydantic."""
