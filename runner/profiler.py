"""Where the time goes: the operators of one run, by self time, from ``torch.profiler``.

The profiler slows the run down and its evaluation takes seconds: profile one warm batch of few
decoder steps, and never the run that is timed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from store.records import Operator

OTHER = "other"
UNATTRIBUTED = "(kernels of no operator)"
_NOT_THE_RUN = frozenset({"[memory]", "Activity Buffer Request", "Buffer Flush", "Instrumentation"})
"""Events of the host that are the profiler's own work, or no work at all."""

# Exact names: a substring such as `exp` would match `expand` too.
_NAMES: Mapping[str, str] = {
    # bmm and _softmax are attention in every model here; linear layers run as addmm or mm.
    "attention": """
        scaled_dot_product_attention _scaled_dot_product_attention_math
        _scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_for_cpu
        _scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention
        _scaled_dot_product_fused_attention_overrideable _flash_attention_forward
        _efficient_attention_forward _cudnn_attention_forward _fused_sdp_choice
        _safe_softmax _softmax softmax bmm baddbmm""",
    "matmul": """
        addmm mm matmul linear addmv mv dot addbmm _addmm_activation _int_mm _scaled_mm
        mkldnn_linear mkldnn_rnn_layer _cudnn_rnn lstm gru""",
    "convolution": """
        convolution _convolution conv1d conv2d mkldnn_convolution cudnn_convolution
        cudnn_convolution_relu cudnn_convolution_add_relu _slow_conv2d_forward slow_conv_dilated2d
        thnn_conv2d _conv_depthwise2d conv_depthwise3d _nnpack_spatial_convolution""",
    "normalisation": """
        layer_norm native_layer_norm group_norm native_group_norm batch_norm native_batch_norm
        _batch_norm_impl_index cudnn_batch_norm _native_batch_norm_legit_no_training rms_norm
        _fused_rms_norm _weight_norm _weight_norm_interface norm linalg_vector_norm""",
    "elementwise": """
        add add_ sub sub_ rsub mul mul_ div div_ neg abs pow sqrt rsqrt exp log log10 log2 sin cos
        tanh sigmoid gelu relu relu_ silu silu_ glu softplus log_softmax _log_softmax dropout
        native_dropout clamp clamp_ clamp_min clamp_max maximum minimum floor floor_divide
        remainder eq ne lt le gt ge eq_ bitwise_and bitwise_or bitwise_not __and__ __or__
        logical_and logical_or logical_not where masked_fill masked_fill_ isinf isnan isin all any
        sum mean var std max min amax amin argmax cumsum sort topk addcmul addcdiv lerp""",
    "memory": """
        copy_ _to_copy to clone contiguous cat stack view reshape _unsafe_view _reshape_alias
        transpose transpose_ t permute expand expand_as squeeze squeeze_ unsqueeze unsqueeze_
        flatten unflatten slice select narrow split split_with_sizes chunk unbind index index_put_
        _index_put_impl_ index_select gather scatter scatter_ embedding fill_ zero_ zeros
        zeros_like ones ones_like full full_like empty empty_like empty_strided empty_permuted
        new_empty new_zeros new_ones new_full resize_ as_strided as_strided_ set_ detach detach_
        lift_fresh alias roll flip repeat tril triu triu_ tril_ pad constant_pad_nd arange
        resolve_conj resolve_neg item _local_scalar_dense is_nonzero view_as_real view_as_complex
        unfold pin_memory _pin_memory""",
}
_CATEGORIES: Mapping[str, str] = {
    f"aten::{name}": category for category, names in _NAMES.items() for name in names.split()
} | {
    "quantized::linear_dynamic": "matmul",
    "quantized::linear_dynamic_fp16": "matmul",
    "quantized::linear": "matmul",
    "onednn::qlinear_pointwise": "matmul",
    "mkldnn::_linear_pointwise": "matmul",
    "mkldnn::_convolution_pointwise": "convolution",
    "cudaMemcpyAsync": "memory",
    "cudaMemsetAsync": "memory",
    "cudaMalloc": "memory",
    "cudaHostAlloc": "memory",
}


def category(operator: str) -> str:
    """The category of an operator, by its exact name as the profiler gives it.

    One of ``attention``, ``matmul``, ``convolution``, ``normalisation``, ``elementwise`` (with
    activations, comparisons and reductions), ``memory`` (copies, views, look-ups) and ``other``.
    """
    return _CATEGORIES.get(operator, OTHER)


@dataclass(frozen=True)
class Row:
    """One operator on one device, before its share is known."""

    name: str
    category: str
    calls: int
    self_s: float
    memory_bytes: int | None


def profile_operators(
    run: Callable[[], object], *, device: str, keep: int, trace_path: Path | None = None
) -> tuple[Operator, ...]:
    """Profiles one call of ``run``, which should be warm.

    Args:
        run: The work to profile. What it returns is dropped.
        device: ``cpu``, ``cuda`` or ``cuda:1``: where ``run`` computes.
        keep: Rows to keep a device, by self time. The rest is summed up by category, in rows
            named ``(3 more)``, so that the shares of a device always sum to 1.
        trace_path: Where to write a Chrome trace (JSON, tens of megabytes), or None for none. A
            name that ends in ``.gz`` is compressed.

    Returns:
        Operators of the host (device ``cpu``, self CPU time) and, on a GPU, of ``device`` too
        (self device time: the kernels that the operator itself launched), longest first.
        ``memory_bytes`` is the memory that the operator itself allocated, less what it freed.
    """
    on_gpu = torch.device(device).type == "cuda"
    activities = [ProfilerActivity.CPU]
    if on_gpu:
        activities.append(ProfilerActivity.CUDA)
        torch.cuda.synchronize(device)  # Work of before must not be counted.
    profiler = profile(activities=activities, profile_memory=True)
    with _without_usdt_lines():
        profiler.start()
    try:
        run()
        if on_gpu:
            torch.cuda.synchronize(device)
    finally:
        with _without_usdt_lines():
            profiler.stop()
    if trace_path is not None:
        trace_path.parent.mkdir(parents=True, exist_ok=True)
        profiler.export_chrome_trace(str(trace_path))  # Works once a profile.
    averages = profiler.key_averages()
    operators = _shares(host_rows(averages), "cpu", keep)
    if on_gpu:
        operators += _shares(device_rows(averages), device, keep)
    return operators


def host_rows(averages: Iterable[Any]) -> list[Row]:
    """Rows of the host, from ``key_averages()``: events of the CPU, by self CPU time."""
    return [
        Row(
            name=event.key,
            category=category(event.key),
            calls=event.count,
            self_s=event.self_cpu_time_total / 1e6,
            memory_bytes=event.self_cpu_memory_usage,
        )
        for event in averages
        if _is_operator(event) and event.self_cpu_time_total > 0
    ]


def device_rows(averages: Iterable[Any]) -> list[Row]:
    """Rows of the GPU, from ``key_averages()``: operators, by the time of their own kernels.

    The profiler gives each kernel twice: as an event of its own on the device, and within the
    self device time of the host's operator that launched it. Only the operators are taken. The
    kernels' events are the check: what they have more was launched by no operator that the
    profiler knows (a replayed CUDA graph) and becomes a row of its own.
    """
    events = list(averages)
    rows = [
        Row(
            name=event.key,
            category=category(event.key),
            calls=event.count,
            self_s=event.self_device_time_total / 1e6,
            memory_bytes=event.self_device_memory_usage,
        )
        for event in events
        if _is_operator(event) and event.self_device_time_total > 0
    ]
    kernels = [e for e in events if _is_kernel(e)]
    rest_s = sum(e.self_device_time_total for e in kernels) / 1e6 - sum(r.self_s for r in rows)
    if rest_s > 1e-9:
        rows.append(Row(UNATTRIBUTED, OTHER, 0, rest_s, None))
    return rows


def _is_operator(event: Any) -> bool:
    """An event of the host. User annotations span operators and would count them again."""
    on_host = event.device_type == torch.autograd.DeviceType.CPU
    return on_host and not event.is_user_annotation and event.key not in _NOT_THE_RUN


def _is_kernel(event: Any) -> bool:
    on_host = event.device_type == torch.autograd.DeviceType.CPU
    return not on_host and not event.is_user_annotation


def _shares(rows: list[Row], device: str, keep: int) -> tuple[Operator, ...]:
    """The longest ``keep`` rows and the rest by category, with shares of the device's total."""
    total_s = sum(row.self_s for row in rows)
    ordered = sorted(rows, key=lambda row: -row.self_s)
    dropped: dict[str, list[Row]] = {}
    for row in ordered[keep:]:
        dropped.setdefault(row.category, []).append(row)
    folded = [_fold(name, several) for name, several in dropped.items()]
    return tuple(
        Operator(
            name=row.name,
            category=row.category,
            device=device,
            calls=row.calls,
            self_s=row.self_s,
            share=row.self_s / total_s,
            memory_bytes=row.memory_bytes,
        )
        for row in ordered[:keep] + folded
    )


def _fold(name: str, rows: list[Row]) -> Row:
    return Row(
        name=f"({len(rows)} more)",
        category=name,
        calls=sum(row.calls for row in rows),
        self_s=sum(row.self_s for row in rows),
        memory_bytes=sum(row.memory_bytes or 0 for row in rows),
    )


@contextmanager
def _without_usdt_lines() -> Iterator[None]:
    """Keeps the profiler library's ``USDT:`` lines off the terminal; other output passes.

    The lines are written by native code, past Python's ``sys.stderr``.
    """
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # No standard error, nothing to keep clean.
        yield
        return
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            captured.seek(0)
            kept = [line for line in captured if not line.startswith(b"USDT:")]
            if kept:
                os.write(2, b"".join(kept))
