"""Multipliers from common units to vitrax's own: Å, degrees, kV, e/Å².

Write `vx.Lens(defocus=1.2 * units.um)`.
"""

import math


angstrom = 1.0
pm = 1e-2
nm = 10.0
um = 1e4
mm = 1e7

degree = 1.0
rad = 180.0 / math.pi
mrad = rad * 1e-3

kV = 1.0
V = 1e-3
