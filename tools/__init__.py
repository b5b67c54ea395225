"""What makes and explains asrprof's data, run from the repository: no part of the wheel."""
