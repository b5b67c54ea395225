"""The published study that asrprof continues: its figures, and where they come from.

``python -m tools.published`` recomputes what can be recomputed of its tables, beside the true
counts, and tries out each explanation for what cannot be right. docs/study.md is the text to it.
"""
