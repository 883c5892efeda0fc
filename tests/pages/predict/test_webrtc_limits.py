"""What a browser sends is decoded within limits."""

from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from pages.components.predict.srtp import load_srtp
from pages.components.predict.webrtc_limits import limit_decoders


@pytest.fixture
def decoders() -> dict[str, type]:
    """aiortc's decoders by the codec that encodes for them."""
    load_srtp()  # before aiortc is imported
    limit_decoders()
    from aiortc.codecs.h264 import H264Decoder
    from aiortc.codecs.vpx import Vp8Decoder

    return {"libvpx": Vp8Decoder, "libx264": H264Decoder}


def key_frame(codec: str, height: int, width: int) -> SimpleNamespace:
    """A gray frame as a browser sends it."""
    context: Any = av.CodecContext.create(codec, "w")
    context.height, context.width, context.pix_fmt = height, width, "yuv420p"
    context.framerate = 25
    image = np.full((height, width, 3), 128, np.uint8)
    packets = [*context.encode(av.VideoFrame.from_ndarray(image, "rgb24")), *context.encode()]
    return SimpleNamespace(data=bytes(packets[0]), timestamp=0)


@pytest.mark.parametrize("codec", ["libvpx", "libx264"])
def test_frames_of_a_camera_are_decoded_and_huge_ones_refused(
    decoders: dict[str, type], codec: str
) -> None:
    decoder = decoders[codec]()
    # H.264 waits for frames that may come in between.
    found = decoder.decode(key_frame(codec, 1080, 1920)) or decoder.codec.decode(None)
    assert [(each.height, each.width) for each in found] == [(1080, 1920)]
    with pytest.raises(av.FFmpegError):
        decoders[codec]().decode(key_frame(codec, 1200, 1920))


def test_the_largest_frame_that_vp8_can_state_is_refused(decoders: dict[str, type]) -> None:
    frame = key_frame("libvpx", 48, 64)
    frame.data = frame.data[:6] + (16383).to_bytes(2, "little") * 2 + frame.data[10:]
    with pytest.raises(av.FFmpegError):
        decoders["libvpx"]().decode(frame)
