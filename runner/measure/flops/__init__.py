"""FLOPs of a model by stage, counted from shapes alone. Method and figures: docs/flops.md."""

from runner.measure.flops.count import count_flops
from runner.measure.flops.study import study_flops

__all__ = ["count_flops", "study_flops"]
