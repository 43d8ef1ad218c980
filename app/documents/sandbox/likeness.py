"""The 64 bits by which near-same pictures are known: the signs of a picture's coarse waves."""

from math import cos, pi
from statistics import median

from PIL import Image

_SIDE = 32
_WAVES = range(1, 9)
# Waves along one edge only are left out: they are the lines of a printed form, the same on
# every receipt. What is left tells one form filled in from another.
_COSINES = [[cos(pi * (2 * at + 1) * wave / (2 * _SIDE)) for at in range(_SIDE)] for wave in _WAVES]
# A blank page has nothing but the noise of its compression, which stays well below.
_LEAST = 48.0


def perceptual_hash(image: Image.Image) -> int | None:
    """Which of 8 × 8 waves are above the middle one, as a signed 64-bit number.

    Two hashes are compared by counting the bits in which they differ, always an even number:
    copies scaled, compressed, dimmed or without colour differ in at most 4, receipts of one
    form filled in otherwise hardly ever in fewer than 6. None for a picture in which nothing
    is to be seen.
    """
    small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    grey = small.tobytes()
    lines = [
        [sum(map(float.__mul__, map(float, grey[at : at + _SIDE]), wave)) for wave in _COSINES]
        for at in range(0, _SIDE * _SIDE, _SIDE)
    ]
    strengths = [
        sum(line[across] * wave[at] for at, line in enumerate(lines))
        for wave in _COSINES
        for across in range(len(_COSINES))
    ]
    if median(map(abs, strengths)) < _LEAST:
        return None
    middle = median(strengths)
    bits = 0
    for strength in strengths:
        bits = bits << 1 | (strength > middle)
    return bits - (1 << 64) if bits >> 63 else bits
