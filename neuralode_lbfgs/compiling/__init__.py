"""Compiled programs: one for each shape of arguments, and traced once for all processes."""

from .compiled import Compiled

__all__ = ["Compiled"]
