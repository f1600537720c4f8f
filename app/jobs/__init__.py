"""Offline segmentation of folders and buckets, on one machine or on a Ray cluster."""
