"""Facial expression recognition: datasets, training runs and predictions, without a user interface.

Each name is imported when it is first used, so that `import fer_core` loads no TensorFlow.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
