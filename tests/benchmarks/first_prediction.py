"""Measures the time from a click on Predict to the first recognized face, in Chromium.

    python -m tests.benchmarks.first_prediction [--rounds 3]

Uploads a photo of 1280×720 pixels with one face as soon as the page allows it. Cold: Predict has
not been opened since the server started, so that TensorFlow must be loaded. Warm: another photo in
another tab. Prints wall time and the server's CPU time; on a busy machine only the CPU time is
meaningful. Needs Chromium; uses the pretrained model.
"""

import argparse
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from urllib.request import urlopen

import psutil
from PIL import Image, ImageOps
from playwright.sync_api import Browser, sync_playwright
from skimage import data

from tests.e2e.conftest import ANSWER, CHROMIUM_OPTIONS, PATIENCE, PROJECT

WARM = 3


def main() -> None:
    """Parses the command line and runs the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with sync_playwright() as runner:
        browser = runner.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*CHROMIUM_OPTIONS], headless=True
        )
        for _ in range(rounds):
            _measure(browser)
        browser.close()


def _measure(browser: Browser) -> None:
    with tempfile.TemporaryDirectory() as home, socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
        free.close()
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
        server = subprocess.Popen(
            [*command, "--server.headless=true", f"--server.port={port}"],
            cwd=PROJECT,
            env=os.environ | {"FER_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            for number in range(1 + WARM):
                seconds = _answer(browser, port, server.pid, _photo(number))
                print(  # noqa: T201
                    "warm" if number else "cold",
                    "{:.2f} s, {:.2f} s of the processor; {:.2f} and {:.2f} since the photo was "
                    "chosen".format(*seconds),
                    flush=True,
                )
        finally:
            server.kill()
            server.wait()


def _photo(number: int) -> bytes:
    """Writes a photo of 1280×720 pixels with one face; every number gives another photo."""
    photo = Image.new("RGB", (1280, 720), "gray")
    face = Image.fromarray(data.astronaut()).resize((720, 720))
    photo.paste(ImageOps.mirror(face) if number % 2 else face, (200 + 40 * number, 0))
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=90)
    return file.getvalue()


def _answer(browser: Browser, port: int, server: int, photo: bytes) -> list[float]:
    """Returns wall and CPU seconds, in total and since the upload."""
    page = browser.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    _wait_for(f"http://localhost:{port}/_stcore/health")
    page.goto(f"http://localhost:{port}")
    page.get_by_role("heading", name="FER Studio").wait_for()
    time.sleep(2)  # until the page is idle
    process = psutil.Process(server)
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


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{address} did not answer.")


if __name__ == "__main__":
    main()
