"""Execution variants: how a model is run, everything else equal.

A variant of a config has several parts (precision, cache, ...). Each part that asks for something
is a technique: one file here, one line in :mod:`runner.variants.techniques`.
"""
