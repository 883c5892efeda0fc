"""Keeps a few pictures of every track of a file, spread over the time in which it is seen."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fer_core.storage import replacing
from fer_core.vision import Box, crop_face, encode, resize

MAX_CROPS = 4  # of a track
_MAX_TRACKS = 500  # with pictures, of a file; 6 KB each
_SIDE = 112  # pixels
_MARGIN = 0.3  # around the box, as a share of its longer side


class Crops:
    """Collects pictures of the tracks of one file in bounded memory."""

    def __init__(self) -> None:
        self._crops: dict[int, list[bytes]] = {}  # JPEG files by track
        self._frames: dict[int, int] = {}  # seen so far, by track

    def add(self, image: np.ndarray, faces: Sequence[tuple[int, Box]]) -> None:
        """Adds the faces of the next frame, uint8 RGB: the number of each track and its box."""
        for track, box in faces:
            seen = self._frames[track] = self._frames.get(track, 0) + 1
            # At the 1st, 4th, 16th, 64th, … frame; the last of these are kept.
            if seen & (seen - 1) == 0 and seen.bit_length() % 2:
                self._keep(track, image, box)

    def save(self, file: Callable[[int, int], Path]) -> None:
        """Writes the pictures.

        Args:
            file: returns the path for a track and a position, from 0; its folder is made.
        """
        for track, crops in self._crops.items():
            for position, crop in enumerate(crops):
                path = file(track, position)
                path.parent.mkdir(exist_ok=True)
                with replacing(path, durable=False) as temporary:
                    temporary.write_bytes(crop)

    def _keep(self, track: int, image: np.ndarray, box: Box) -> None:
        if track not in self._crops and len(self._crops) >= _MAX_TRACKS:
            return
        crop = encode(resize(crop_face(image, box, _MARGIN), _SIDE, _SIDE), "JPEG")
        self._crops[track] = [*self._crops.get(track, []), crop][-MAX_CROPS:]
