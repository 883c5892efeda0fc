"""Makes a finished run a pretrained model that ships with the program; a tool for maintainers.

Each name is imported when it is first used, so that this package loads no TensorFlow until then.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
