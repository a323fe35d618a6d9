"""Parts of `fuzz.py`."""
