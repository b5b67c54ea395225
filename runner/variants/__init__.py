"""Execution variants: how a model is run, everything else equal."""
