"""Widgets that several views use, one a file."""
