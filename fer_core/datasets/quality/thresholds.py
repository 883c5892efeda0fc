"""Thresholds beyond which an image counts as blank, dark, blurred or oddly sized.

Chosen by viewing FER2013's images sorted by each measure: beyond the threshold, nearly every
image is what the finding says.
"""

BLANK = 1.0  # standard deviation of the gray pixels (0 to 255): nothing is visible below it
NEARLY_FLAT = 15.0  # the same: hardly anything is visible below it
DARK = 30.0  # mean of the gray pixels (0 to 255), upper limit
BRIGHT = 220.0  # lower limit; beyond it are notices that replace deleted photos
# Variance of the Laplacian at 48×48 pixels ÷ variance of the pixels, upper limit. A typical face
# photo has 0.5. Without the division, low contrast would count as blur.
BLURRED = 0.1
MIN_SIDE = 32  # pixels of the shorter side
MAX_ASPECT_RATIO = 2.0  # longer ÷ shorter side
UNIFORM_SIZE_SHARE = 0.9  # if this share of the images has one size, any other size is odd
