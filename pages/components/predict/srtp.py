"""Makes libsrtp, WebRTC's encryption, safe to import after TensorFlow."""

import ctypes
import importlib.util
import os
from pathlib import Path


def load_srtp() -> None:
    """Loads pylibsrtp's library with its own OpenSSL; call it before importing pylibsrtp.

    TensorFlow (seen in 2.21 with pylibsrtp 1.0) exports the symbols of its own crypto library to
    all libraries loaded later. Importing pylibsrtp, built with another OpenSSL, then crashes the
    process. With RTLD_DEEPBIND a library prefers its own symbols, and the later import finds it
    loaded. Only Linux's loader has the problem, and the flag. Can go when TensorFlow hides these
    symbols: tests/pages/test_srtp.py then passes without this call.
    """
    spec = importlib.util.find_spec("pylibsrtp")
    deep = getattr(os, "RTLD_DEEPBIND", None)
    if deep is not None and spec is not None and spec.origin is not None:
        for library in Path(spec.origin).parent.glob("_binding*.so"):
            ctypes.CDLL(str(library), os.RTLD_NOW | deep)
