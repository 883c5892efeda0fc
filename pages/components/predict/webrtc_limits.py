"""Bounds the memory that frames from a browser may take."""

from typing import Any

MAX_PIXELS = 1920 * 1088  # of a frame; the page asks the browser for 640×480


def limit_decoders() -> None:
    """Makes aiortc's decoders of video refuse frames of more than `MAX_PIXELS`.

    aiortc (seen in 1.16) decodes whatever size a browser sends, and libvpx, its decoder of VP8,
    takes 1.6 GB for the largest before anyone can look at it; FFmpeg's own checks the size first.
    A frame that is refused is logged and dropped, as damaged ones are.
    """
    from aiortc.codecs import h264, vpx

    setattr(h264.H264Decoder, "__init__", _with_codec("h264"))  # noqa: B010
    setattr(vpx.Vp8Decoder, "__init__", _with_codec("vp8"))  # noqa: B010


def _with_codec(name: str) -> Any:
    """Returns a constructor that opens one of FFmpeg's decoders with limits."""
    from av import CodecContext

    def __init__(self: Any) -> None:
        self.codec = CodecContext.create(name, "r")
        self.codec.options = {"max_pixels": str(MAX_PIXELS)}
        self.codec.thread_count = 1  # each more keeps another frame, and delays by one

    return __init__
