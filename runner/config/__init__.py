"""The benchmark config: one JSON file, parsed strictly, with a docstring for every field.

Importing this package must stay cheap: no torch, no transformers (the terminal UI uses it).
"""

from runner.config.benchmark import Benchmark, Measure, Model, Point, Weights, check_device
from runner.config.data import Data
from runner.config.limits import Limits
from runner.config.strict import Strict
from runner.config.variant import Variant

__all__ = [
    "Benchmark",
    "Data",
    "Limits",
    "Measure",
    "Model",
    "Point",
    "Strict",
    "Variant",
    "Weights",
    "check_device",
]
