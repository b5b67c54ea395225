"""Silences libraries that warn as they are imported; imported before them.

transformers imports torchao where it is installed, and torchao tells of every kernel that this
machine lacks.
"""

from __future__ import annotations

import logging

for name in ("torchao", "torch.utils._pytree"):
    logging.getLogger(name).setLevel(logging.ERROR)
