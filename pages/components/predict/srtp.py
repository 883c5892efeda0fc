"""Makes libsrtp, which WebRTC encrypts with, safe to import beside TensorFlow."""

import ctypes
import importlib.util
import os
from pathlib import Path


def load_srtp() -> None:
    """Loads pylibsrtp's library so that it uses its own cryptography; before it is imported.

    TensorFlow shows its symbols to all libraries that are loaded after it, among them another
    OpenSSL than pylibsrtp was built with: to import that afterwards ends the process. A library
    that is loaded as this one prefers its own symbols, and importing it finds it loaded. Only
    Linux's loader mixes them up, and only it knows the flag.
    """
    spec = importlib.util.find_spec("pylibsrtp")
    deep = getattr(os, "RTLD_DEEPBIND", None)
    if deep is not None and spec is not None and spec.origin is not None:
        for library in Path(spec.origin).parent.glob("_binding*.so"):
            ctypes.CDLL(str(library), os.RTLD_NOW | deep)
