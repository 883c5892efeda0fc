"""Recognizes expressions in many photos and videos, and summarizes them by person and condition.

Names are imported on first use: importing this package does not load TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
