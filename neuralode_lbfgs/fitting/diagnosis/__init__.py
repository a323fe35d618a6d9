"""What is wrong with a fit, in sentences, and what to try.

Checks look at a fit from outside: at what was observed and predicted, and at how the stages went. Each is silent
unless something is worth a person's while: a false alarm is as bad as silence. Thresholds are in standard deviations
of a state over the training data, or in shares of its variance.
"""

from .checks import diagnose
from .view import Finding, View

__all__ = ["Finding", "View", "diagnose"]
