"""Decodes large images in processes of their own, for a server that many people use.

There a decoding takes only so much memory and processor time, and only so many run at a time. What
ends such a process, such as a fault of a decoder, ends nothing else.

python -m fer_core.vision.decoding_process  decodes the images that it reads from standard input
"""

import os
import select
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

from fer_core.errors import FerError
from fer_core.process_limits import limit_process, limited_processor
from fer_core.vision import images

MAX_PROCESSES = 2
MAX_SECONDS = 20  # of a processor, for an image; one of 64 megapixels in 50 scans takes 3
_MAX_BYTES = 4_000_000_000  # of address space; such an image takes 1.1 GB
_IDLE_SECONDS = 60.0
_LARGE_PIXELS = 4_000_000  # and bytes, of an image that is not decoded in the server

_LENGTH = struct.Struct("<Q")  # of a request, before the encoded image
_ANSWER = struct.Struct("<?QQ")  # whether it was decoded; height and width, or a message's length
_FAILED = f"must be an image that is decoded within {MAX_SECONDS} seconds and 4 GB of memory."


class DecodingProcesses:
    """Runs up to `MAX_PROCESSES` processes that decode one image at a time. Thread-safe."""

    def __init__(self) -> None:
        """Starts none yet."""
        self._places = threading.BoundedSemaphore(MAX_PROCESSES)
        self._idle: list[subprocess.Popen[bytes]] = []

    def decode(self, data: bytes) -> np.ndarray:
        """Decodes an image as `vision.decode` does; waits while too many others are decoded.

        Raises:
            FerError: it cannot be decoded, or takes too much. The message is a clause that follows
                the file's name.
        """
        with self._places:
            process = self._send(data)
            try:
                pixels = _receive(process)
            except BaseException as error:
                end(process)
                if isinstance(error, EOFError):  # it was ended
                    raise FerError(_FAILED) from error
                raise
            self._idle.append(process)
        if isinstance(pixels, str):
            raise FerError(pixels)
        return pixels

    def _send(self, data: bytes) -> "subprocess.Popen[bytes]":
        while True:
            is_new = not self._idle
            process = _start() if is_new else self._idle.pop()
            assert process.stdin is not None
            try:
                process.stdin.write(_LENGTH.pack(len(data)))
                process.stdin.write(data)
                process.stdin.flush()
            except OSError as error:  # it had nothing to do for too long, and has ended
                end(process)
                if is_new:
                    raise FerError(_FAILED) from error
            else:
                return process


def decode_large_elsewhere() -> None:
    """Makes `vision.decode` decode large images of this process in others."""
    processes = DecodingProcesses()

    def decode(data: bytes, pixels: int) -> np.ndarray | None:
        is_large = max(pixels, len(data)) > _LARGE_PIXELS
        return processes.decode(data) if is_large else None

    images.decode_with(decode)


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,  # it ends with the server, when its standard input closes
    )


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process and closes its pipes."""
    process.kill()
    with suppress(OSError), process:  # what was not yet sent
        pass


def _receive(process: "subprocess.Popen[bytes]") -> np.ndarray | str:
    """Returns the pixels, or a message.

    Raises:
        EOFError: the process ended.
    """
    assert process.stdout is not None
    is_decoded, height, width = _ANSWER.unpack(_read(process.stdout, _ANSWER.size))
    if not is_decoded:
        return _read(process.stdout, height).decode()
    pixels = _read(process.stdout, 3 * height * width)
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def _read(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _answer(data: bytes, output: IO[bytes]) -> None:
    try:
        pixels = images.decode_bytes(data)
    except FerError as error:
        message = str(error).encode()
        output.write(_ANSWER.pack(False, len(message), 0) + message)
    else:
        output.write(_ANSWER.pack(True, *pixels.shape[:2]))
        output.write(np.ascontiguousarray(pixels).data)
    output.flush()


def main() -> None:
    """Decodes images until standard input ends, or nothing comes for a minute."""
    source, output = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing else may write into the answers
    limit_process(address_space=_MAX_BYTES)
    can_wait = os.name != "nt"  # for a pipe, with a limit of time
    while not can_wait or select.select([source], [], [], _IDLE_SECONDS)[0]:
        try:
            (length,) = _LENGTH.unpack(_read(source, _LENGTH.size))
            data = _read(source, length)
        except EOFError:
            return
        with limited_processor(MAX_SECONDS):
            _answer(data, output)


if __name__ == "__main__":
    main()
