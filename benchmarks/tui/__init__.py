"""Measures the terminal UI over a large store."""
