"""How the built-in speech and the small models that ship with asrprof were made.

It needs `espeak-ng` on the path.
"""
