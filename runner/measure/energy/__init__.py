"""Energy: sources of joules, and the recipe that measures a batch with all of them at once."""
