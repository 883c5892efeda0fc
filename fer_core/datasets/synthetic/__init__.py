"""Draws datasets of schematic faces, to try everything without a download."""

from fer_core.datasets.synthetic.generate import check_drawing, draw_dataset
from fer_core.datasets.synthetic.random_faces import Character, random_character, random_face

__all__ = ["Character", "check_drawing", "draw_dataset", "random_character", "random_face"]
