"""From where on an image counts as blank, dark, blurred or odd.

Chosen by looking at the images of FER2013 in the order of each measure: beyond them nearly every
image is what the finding says.
"""

BLANK = 1.0  # standard deviation of the gray pixels, of 255: below it there is nothing to see
NEARLY_FLAT = 15.0  # the same: below it there is hardly anything
DARK = 30.0  # mean of the gray pixels, of 255: below it
BRIGHT = 220.0  # the same: above it, as photos that were replaced by a notice are
# Variance of the Laplacian at 48×48 pixels ÷ variance of the pixels: below it. An ordinary photo
# of a face has 0.5, and without the division low contrast would count as blur.
BLURRED = 0.1
SMALLEST = 32  # pixels of the shorter side: below it
LONGEST = 2.0  # longer ÷ shorter side: above it
ONE_SIZE = 0.9  # share of the images that have one size, from which on any other size is odd
