"""How the built-in speech and the small models that ship with asrprof were made.

Nothing here is imported when a benchmark runs. It needs `espeak-ng` on the path.
"""
