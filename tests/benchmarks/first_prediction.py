"""Measures the time from a click on Predict to the first recognized face, in Chromium.

    python -m tests.benchmarks.first_prediction [--rounds 3]

Uploads a photo of 1280×720 pixels with one face as soon as the page allows it. Cold: Predict has
not been opened since the server started, so that detector and model must be loaded. Warm: another
photo in another tab. Prints wall time, the server's CPU time and its memory; on a busy machine the
wall time means little. Needs Chromium; uses the pretrained model.
"""

import argparse
import io
import tempfile
import time
from pathlib import Path

import psutil
from PIL import Image, ImageOps
from playwright.sync_api import Browser
from skimage import data

from tests.e2e.browsing import ANSWER, PATIENCE
from tests.e2e.serving import Server, chromium, serve

WARM = 3


def main() -> None:
    """Parses the command line and runs the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with chromium() as browser:
        for _ in range(rounds):
            _measure(browser)


def _measure(browser: Browser) -> None:
    with tempfile.TemporaryDirectory() as home, serve(Path(home)) as server:
        for number in range(1 + WARM):
            seconds = _answer(browser, server, _photo(number))
            memory = psutil.Process(server.pid).memory_info().rss / 1e6
            print(  # noqa: T201
                "warm" if number else "cold",
                "{:.2f} s, {:.2f} s of the processor; {:.2f} and {:.2f} since the photo was "
                "chosen; {:.0f} MB".format(*seconds, memory),
                flush=True,
            )


def _photo(number: int) -> bytes:
    """Writes a photo of 1280×720 pixels with one face; every number gives another photo."""
    photo = Image.new("RGB", (1280, 720), "gray")
    face = Image.fromarray(data.astronaut()).resize((720, 720))
    photo.paste(ImageOps.mirror(face) if number % 2 else face, (200 + 40 * number, 0))
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=90)
    return file.getvalue()


def _answer(browser: Browser, server: Server, photo: bytes) -> list[float]:
    """Returns wall and CPU seconds, in total and since the upload."""
    page = browser.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(server.address)
    page.get_by_role("heading", name="FER Studio").wait_for()
    time.sleep(2)  # until the page is idle
    process = psutil.Process(server.pid)
    begun = _clocks(process)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Predict").click()
    file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
    page.get_by_test_id("stFileUploader").first.wait_for()
    offered = _clocks(process)
    page.locator("input[type=file]").first.set_input_files([file])
    page.get_by_text(ANSWER).first.wait_for()
    answered = _clocks(process)
    page.close()
    return [answered[i] - since[i] for since in (begun, offered) for i in range(2)]


def _clocks(process: psutil.Process) -> tuple[float, float]:
    """Returns wall seconds and the CPU seconds of the process."""
    return time.perf_counter(), sum(process.cpu_times()[:2])


if __name__ == "__main__":
    main()
