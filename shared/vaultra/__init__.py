"""Vaultra's shared library: what every function is made of."""

__version__ = "0.1.0"
