"""Load on a service: requests that fall due, what became of them, and their figures.

Nothing here knows an engine. The generator runs in a process that computes nothing else.
"""
