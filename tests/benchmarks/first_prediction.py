"""How long it takes from the click on Predict to the first recognised face, in a real browser.

    python -m tests.benchmarks.first_prediction [--rounds 3]

A photo of 1280×720 pixels with one face is chosen as soon as the page offers it. Cold: nobody has
opened Predict since the server began, so that TensorFlow is to be loaded. Warm: another photo in
another tab. Prints the seconds by the clock, and those that the server's process spent on the
processor meanwhile: on a machine that has other work to do only the second means something. Needs
Chromium; asks the default network that ships.
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
    """The command line."""
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
    """1280×720 pixels with one face; another with every number."""
    photo = Image.new("RGB", (1280, 720), "gray")
    face = Image.fromarray(data.astronaut()).resize((720, 720))
    photo.paste(ImageOps.mirror(face) if number % 2 else face, (200 + 40 * number, 0))
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=90)
    return file.getvalue()


def _answer(browser: Browser, port: int, server: int, photo: bytes) -> list[float]:
    """Seconds by the clock and of the server's processor; again since the photo was chosen."""
    page = browser.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    _wait_for(f"http://localhost:{port}/_stcore/health")
    page.goto(f"http://localhost:{port}")
    page.get_by_role("heading", name="FER Studio").wait_for()
    time.sleep(2)  # the page has settled
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
    """Seconds by the clock, and of the process's processor."""
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
