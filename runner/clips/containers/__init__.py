"""Containers of audio: what each promises, one family a file."""
