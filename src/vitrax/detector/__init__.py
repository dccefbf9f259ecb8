"""Noise models of the recorded image."""

from ._coloured_noise import ColouredNoise as ColouredNoise
from ._noise import AbstractNoise as AbstractNoise
from ._white_noise import WhiteNoise as WhiteNoise
