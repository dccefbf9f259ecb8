"""RELION's names of columns, and which belong together."""

ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
DEFOCUS = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
SHIFTS = ("rlnOriginXAngst", "rlnOriginYAngst")
SHIFTS_IN_PIXELS = ("rlnOriginX", "rlnOriginY")
# What a stack says of each particle, whatever columns its file had.
POSE_AND_CTF = (*ANGLES, *SHIFTS, *SHIFTS_IN_PIXELS, *DEFOCUS, "rlnPhaseShift")
BEAM_TILT = ("rlnBeamTiltX", "rlnBeamTiltY")
# Columns of 3.0 files that RELION moves to the table of optics groups.
OPTICS_OF_30 = (
    "rlnVoltage",
    "rlnSphericalAberration",
    "rlnAmplitudeContrast",
    "rlnMagnification",
    "rlnDetectorPixelSize",
    "rlnImagePixelSize",
    *BEAM_TILT,
)
# In the order in which they are looked up.
PIXEL_SIZES = (
    "rlnImagePixelSize",
    "rlnMicrographPixelSize",
    "rlnMicrographOriginalPixelSize",
)
ZERNIKE = {"odd_zernike": "rlnOddZernike", "even_zernike": "rlnEvenZernike"}
MAGNIFICATION = ("rlnMagMat00", "rlnMagMat01", "rlnMagMat10", "rlnMagMat11")
ABERRATIONS = (*BEAM_TILT, *ZERNIKE.values(), *MAGNIFICATION)
# CryoSPARC's column of the contrast of images, -1 for dark, which its particles keep.
SIGN = "blob/sign"
# Whether images were multiplied by their CTF.
PREMULTIPLIED = "rlnCtfDataAreCtfPremultiplied"
IMAGE_SIZE = "rlnImageSize"

# A file may well have these, so they are never a misspelling of another one.
KNOWN = frozenset(
    (
        "rlnImageName",
        "rlnImageSize",
        "rlnImageDimensionality",
        "rlnMicrographName",
        "rlnOpticsGroup",
        "rlnOpticsGroupName",
        "rlnPhaseShift",
        "rlnCtfBfactor",
        "rlnCtfScalefactor",
        PREMULTIPLIED,
        *ANGLES,
        *DEFOCUS,
        *SHIFTS,
        *PIXEL_SIZES,
        *OPTICS_OF_30,
        *ABERRATIONS,
    )
)
