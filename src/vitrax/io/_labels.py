"""RELION's names of columns, and which belong together."""

ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
DEFOCUS = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
SHIFTS = ("rlnOriginXAngst", "rlnOriginYAngst")
SHIFTS_IN_PIXELS = ("rlnOriginX", "rlnOriginY")
# Columns of 3.0 files that RELION moves to the table of optics groups.
OPTICS_OF_30 = (
    "rlnVoltage",
    "rlnSphericalAberration",
    "rlnAmplitudeContrast",
    "rlnMagnification",
    "rlnDetectorPixelSize",
)
# In the order in which they are looked up.
PIXEL_SIZES = (
    "rlnImagePixelSize",
    "rlnMicrographPixelSize",
    "rlnMicrographOriginalPixelSize",
)
# Columns that change images and aren't applied yet.
NOT_APPLIED = (
    "rlnBeamTiltX",
    "rlnBeamTiltY",
    "rlnOddZernike",
    "rlnEvenZernike",
    "rlnMagMat00",
    "rlnMagMat01",
    "rlnMagMat10",
    "rlnMagMat11",
    "rlnCtfDataAreCtfPremultiplied",
)
# Of these, the ones that change nothing where they are 1 rather than 0.
ONES = {"rlnMagMat00", "rlnMagMat11"}

# A file may well have these, so they are never a misspelling of another one.
KNOWN = frozenset((*ANGLES, *DEFOCUS, *SHIFTS, *PIXEL_SIZES, *OPTICS_OF_30))
