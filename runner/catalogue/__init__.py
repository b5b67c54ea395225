"""What asrprof knows by name: models and variants. No framework is imported here."""
