"""Trains a run in a process of its own. The app does not import it.

Each name is imported when it is first used, so that this package loads no TensorFlow until then.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
