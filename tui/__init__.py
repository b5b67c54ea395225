"""The terminal UI of asrprof: queue benchmarks, watch them, read their results."""
