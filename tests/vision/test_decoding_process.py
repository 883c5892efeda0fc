"""Large images of a server are decoded in other processes, within limits."""

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import psutil
import pytest
from PIL import Image

from fer_core.errors import FerError
from fer_core.vision import decoding_process, images
from fer_core.vision.decoding_process import DecodingProcesses
from tests.datasets.hostile_images import jpeg_of_scans
from tests.vision.test_images import file_of

SIZE = (2500, 2000)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[DecodingProcesses]:
    """Processes that decode what is large, as in the server."""
    processes = DecodingProcesses()
    monkeypatch.setattr(decoding_process, "DecodingProcesses", lambda: processes)
    monkeypatch.setattr(images, "_decoder", images._decoder)
    decoding_process.decode_large_elsewhere()
    yield processes
    for process in processes._idle:
        decoding_process.end(process)


def large_photo() -> bytes:
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 255, (40, 50, 3), np.uint8))
    return file_of(small.resize(SIZE), "JPEG", progressive=True)


def decoded_here(data: bytes) -> np.ndarray:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(images, "_decoder", lambda data, pixels: None)
        return images.decode(data)


def test_a_large_image_is_decoded_elsewhere_to_the_same_pixels(
    processes: DecodingProcesses,
) -> None:
    photo = large_photo()
    found = images.decode(photo)
    assert len(processes._idle) == 1
    assert np.array_equal(found, decoded_here(photo))
    assert np.array_equal(images.decode(photo), found) and len(processes._idle) == 1


def test_small_images_need_no_process(processes: DecodingProcesses) -> None:
    assert images.decode(file_of(Image.new("L", (48, 48)))).shape == (48, 48, 3)
    assert not processes._idle


@pytest.mark.parametrize("data", [large_photo()[:-9000], jpeg_of_scans(3000, 400)])
def test_an_image_that_the_decoding_process_cannot_read_is_named_with_the_reason(
    processes: DecodingProcesses, data: bytes
) -> None:
    with pytest.raises(FerError) as elsewhere:
        images.decode(data, "a.jpg")
    with pytest.raises(FerError) as here:
        decoded_here(data)
    assert str(elsewhere.value) == str(here.value).replace("The image", "a.jpg")


def test_a_decoder_that_ends_its_process_ends_nothing_else(
    processes: DecodingProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_one_that_crashes() -> "subprocess.Popen[bytes]":
        code = "import os, sys; sys.stdin.buffer.read(1000); os.abort()"
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe)

    photo = large_photo()
    with monkeypatch.context() as crashing:
        crashing.setattr(decoding_process, "_start", start_one_that_crashes)
        with pytest.raises(FerError, match=r"a\.jpg must be an image"):
            images.decode(photo, "a.jpg")
    assert not processes._idle
    assert images.decode(photo, "a.jpg").shape == (2000, 2500, 3)


def test_a_process_that_has_ended_is_replaced(processes: DecodingProcesses) -> None:
    photo = large_photo()
    found = images.decode(photo)
    (idle,) = processes._idle
    psutil.Process(idle.pid).kill()
    idle.wait()
    assert np.array_equal(images.decode(photo), found)
