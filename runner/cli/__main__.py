"""`python -m runner.cli`: the `asrprof` command without its script."""

from __future__ import annotations

import sys

from runner.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
