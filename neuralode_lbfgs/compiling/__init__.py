"""Compiled programs: one for each shape of arguments, and traced once for all processes."""

from .compiled import Compiled, compile_seconds

__all__ = ["Compiled", "compile_seconds"]
