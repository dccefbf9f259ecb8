"""From the projected potential to what reaches the lens."""

from ._contrast import LinearContrast as LinearContrast
from ._weak_phase import WeakPhase as WeakPhase
