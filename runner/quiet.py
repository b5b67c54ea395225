"""Silences libraries that speak up as they are imported or left; imported before them.

transformers imports torchao where it is installed, and torchao tells of every kernel that this
machine lacks. tqdm makes a lock for several processes, of which the interpreter says that it was
left behind when a case's process ends.
"""

from __future__ import annotations

import logging
import threading

from tqdm import tqdm

for name in ("torchao", "torch.utils._pytree"):
    logging.getLogger(name).setLevel(logging.ERROR)
tqdm.set_lock(threading.RLock())
