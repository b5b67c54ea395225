"""The study: what a store's results say together, and how two sets of results differ.

Imports only ``store`` of ours. ``pareto``, ``compare`` and the other analyses need numpy alone and
are quick to import; figures and pages are made by modules that import their libraries themselves.
"""
