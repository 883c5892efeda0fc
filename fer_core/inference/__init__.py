"""Recognizes expressions in photos, video and live frames.

Each name is imported when it is first used, so that this package loads no TensorFlow until then.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
