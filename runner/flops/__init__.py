"""FLOPs of a model by stage, counted from shapes alone. Method and figures: docs/flops.md."""

from runner.flops.count import count_flops, workload_flops
from runner.flops.keys import study_key, workload_key
from runner.flops.study import study_flops

__all__ = ["count_flops", "study_flops", "study_key", "workload_flops", "workload_key"]
