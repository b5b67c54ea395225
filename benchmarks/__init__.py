"""What asrprof itself costs, measured from the repository: no part of the wheel."""
