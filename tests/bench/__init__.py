"""Measurements, run by `make bench`; nothing here asserts a time."""
