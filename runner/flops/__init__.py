"""FLOPs of a model by stage, counted from shapes alone. Method and figures: docs/flops.md."""

from runner.flops.count import count_flops, workload_flops
from runner.flops.study import study_flops

__all__ = ["count_flops", "study_flops", "workload_flops"]
