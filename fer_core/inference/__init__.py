"""Recognizes expressions in photos, video and live frames.

Names are imported on first use: importing this package does not load TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
