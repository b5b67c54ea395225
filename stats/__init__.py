"""Intervals, resampling, correlation and fits: what every other package may ask of statistics.

The package imports no other package of ours. Submodules of scipy take 0.3 to 1.5 seconds to import,
so they are imported inside the functions that need them: no command and no screen waits for what
it does not use.
"""
