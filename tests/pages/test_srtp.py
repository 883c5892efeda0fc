"""WebRTC's encryption in a process that TensorFlow is in."""

import subprocess
import sys

PROGRAM = """
import tensorflow
from pages.components.predict.srtp import load_srtp
load_srtp()
from pylibsrtp import Policy, Session

def session(direction):
    return Session(policy=Policy(key=bytes(30), ssrc_type=direction))

packet = bytes([0x80, 8]) + bytes(10) + b"a picture"
sent = session(Policy.SSRC_ANY_OUTBOUND).protect(packet)
assert sent != packet
assert session(Policy.SSRC_ANY_INBOUND).unprotect(sent) == packet
"""


def test_srtp_works_after_tensorflow_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
