"""Corpora as they lie on disk: one file a format, each found by its files.

A format is a module with `indexes(path)`, the text files that make a folder one of it (none where
it is not), and `entries(root, indexes)`, their rows.
"""
