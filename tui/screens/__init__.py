"""One modal a file."""
