"""The benchmark config: one JSON file, parsed strictly, with a docstring for every field.

Importing this package must stay cheap: no torch, no transformers (the terminal UI uses it).
"""

from runner.catalogue.normalisers import ENGLISH, WORDS
from runner.config.benchmark import Benchmark, Measure, Model, Point, Weights, check_device
from runner.config.data import Data
from runner.config.language import DETECT
from runner.config.limits import Limits
from runner.config.load import Load, Slo
from runner.config.robustness import Robustness
from runner.config.server import Server
from runner.config.strict import Strict, meanings
from runner.config.variant import Variant

__all__ = [
    "DETECT",
    "ENGLISH",
    "WORDS",
    "Benchmark",
    "Data",
    "Limits",
    "Load",
    "Measure",
    "Model",
    "Point",
    "Robustness",
    "Server",
    "Slo",
    "Strict",
    "Variant",
    "Weights",
    "check_device",
    "meanings",
]
