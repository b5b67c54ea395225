"""What is measured of a case after its latency, each measure in a pass of its own."""
