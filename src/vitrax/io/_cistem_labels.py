"""cisTEM's columns, in its order: their labels, kinds and codes in its binary files."""

# What a column holds: I an integer, U one that isn't negative, F a float, S a text.
INTEGER, UNSIGNED, FLOAT, TEXT = "IUFS"

# Label, kind, and code. In a binary file a column is told by its code.
COLUMNS = {
    "cisTEMPositionInStack": (UNSIGNED, 2**0),
    "cisTEMAnglePsi": (FLOAT, 2**2),
    "cisTEMAngleTheta": (FLOAT, 2**22),
    "cisTEMAnglePhi": (FLOAT, 2**23),
    "cisTEMXShift": (FLOAT, 2**3),
    "cisTEMYShift": (FLOAT, 2**4),
    "cisTEMDefocus1": (FLOAT, 2**5),
    "cisTEMDefocus2": (FLOAT, 2**6),
    "cisTEMDefocusAngle": (FLOAT, 2**7),
    "cisTEMPhaseShift": (FLOAT, 2**8),
    "cisTEMImageActivity": (INTEGER, 2**1),
    "cisTEMOccupancy": (FLOAT, 2**9),
    "cisTEMLogP": (FLOAT, 2**10),
    "cisTEMSigma": (FLOAT, 2**11),
    "cisTEMScore": (FLOAT, 2**12),
    "cisTEMScoreChange": (FLOAT, 2**13),
    "cisTEMPixelSize": (FLOAT, 2**14),
    "cisTEMMicroscopeVoltagekV": (FLOAT, 2**15),
    "cisTEMMicroscopeCsMM": (FLOAT, 2**16),
    "cisTEMAmplitudeContrast": (FLOAT, 2**17),
    "cisTEMBeamTiltX": (FLOAT, 2**18),
    "cisTEMBeamTiltY": (FLOAT, 2**19),
    "cisTEMImageShiftX": (FLOAT, 2**20),
    "cisTEMImageShiftY": (FLOAT, 2**21),
    "cisTEMBest2DClass": (INTEGER, 2**27),
    "cisTEMBeamTiltGroup": (INTEGER, 2**28),
    "cisTEMStackFilename": (TEXT, 2**24),
    "cisTEMOriginalImageFilename": (TEXT, 2**25),
    "cisTEMReference3DFilename": (TEXT, 2**26),
    "cisTEMParticleGroup": (INTEGER, 2**29),
    "cisTEMAssignedSubset": (INTEGER, 2**32),
    "cisTEMPreExposure": (FLOAT, 2**30),
    "cisTEMTotalExposure": (FLOAT, 2**31),
    "cisTEMOriginalXPosition": (FLOAT, 2**33),
    "cisTEMOriginalYPosition": (FLOAT, 2**34),
}
# What other programs, such as emClarity, call these.
OTHER_LABELS = {
    "cisTEMVoltage": "cisTEMMicroscopeVoltagekV",
    "cisTEMCs": "cisTEMMicroscopeCsMM",
}

POSITION = "cisTEMPositionInStack"
STACK = "cisTEMStackFilename"
PIXEL_SIZE = "cisTEMPixelSize"
VOLTAGE = "cisTEMMicroscopeVoltagekV"
SPHERICAL_ABERRATION = "cisTEMMicroscopeCsMM"
AMPLITUDE_CONTRAST = "cisTEMAmplitudeContrast"
PHASE_SHIFT = "cisTEMPhaseShift"
# In the order of RELION's rot, tilt and psi, which they equal.
ANGLES = ("cisTEMAnglePhi", "cisTEMAngleTheta", "cisTEMAnglePsi")
SHIFTS = ("cisTEMXShift", "cisTEMYShift")
DEFOCUS = ("cisTEMDefocus1", "cisTEMDefocus2", "cisTEMDefocusAngle")
BEAM_TILT = ("cisTEMBeamTiltX", "cisTEMBeamTiltY")
IMAGE_SHIFT = ("cisTEMImageShiftX", "cisTEMImageShiftY")
# What cisTEM takes for a column that isn't there.
DEFAULTS = {
    SPHERICAL_ABERRATION: 2.7,
    AMPLITUDE_CONTRAST: 0.07,
    "cisTEMImageActivity": 1,
    "cisTEMOccupancy": 100.0,
    "cisTEMSigma": 10.0,
    "cisTEMLogP": 0.0,
    "cisTEMScore": 0.0,
    "cisTEMScoreChange": 0.0,
    "cisTEMBest2DClass": 0,
    "cisTEMBeamTiltGroup": 0,
    "cisTEMParticleGroup": 0,
    "cisTEMAssignedSubset": 0,
    "cisTEMPreExposure": 0.0,
    "cisTEMTotalExposure": 0.0,
}
