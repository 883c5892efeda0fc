"""Draws datasets of schematic faces, to try everything without a download."""

from fer_core.datasets.synthetic.generate import draw_dataset

__all__ = ["draw_dataset"]
