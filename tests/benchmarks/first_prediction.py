"""Measures the time from a click on Predict to the first recognized face, in Chromium.

    python -m tests.benchmarks.first_prediction [--rounds 3] [--photos 3]

Uploads a photo of 1280×720 pixels with one face as soon as the page allows it. Cold: Predict has
not been opened since the server started, so that detector and model must be loaded. Warm: another
photo in another tab. Prints wall time, the server's CPU time and its memory; on a busy machine the
wall time means little. The time since the photo was chosen is the page's own, up to the frame that
shows the answer, since Playwright looks for it every 0.1 to 0.5 s only. Needs Chromium; uses the
pretrained model.
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

_CLOCK = """
addEventListener('input', () => { window.chosenAt ??= performance.now() }, true)
new MutationObserver(() => {
    const isAnswer = (element) => /^1 · /.test(element.textContent)
    if (window.answeredAt || ![...document.querySelectorAll('strong')].some(isAnswer)) return
    requestAnimationFrame(() => { window.answeredAt ??= performance.now() })
}).observe(document, {subtree: true, childList: true, characterData: true})
"""


def main() -> None:
    """Parses the command line and runs the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", type=int, default=3, help="more, each in a tab of its own")
    options = parser.parse_args()
    with chromium() as browser:
        for _ in range(options.rounds):
            _measure(browser, options.photos)


def _measure(browser: Browser, more: int) -> None:
    with tempfile.TemporaryDirectory() as home, serve(Path(home)) as server:
        for number in range(1 + more):
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
    photo = Image.new("RGB", (1280, 720), (number % 256, 128, 128))
    face = Image.fromarray(data.astronaut()).resize((720, 720))
    photo.paste(ImageOps.mirror(face) if number % 2 else face, (200 + 40 * (number % 10), 0))
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=90)
    return file.getvalue()


def _answer(browser: Browser, server: Server, photo: bytes) -> list[float]:
    """Returns wall and CPU seconds, in total and since the photo was chosen."""
    page = browser.new_page()
    page.add_init_script(_CLOCK)
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
    page.wait_for_function("window.answeredAt")
    seen = page.evaluate("window.answeredAt - window.chosenAt") / 1000
    page.close()
    in_total = [answered[i] - begun[i] for i in range(2)]
    return [*in_total, seen, answered[1] - offered[1]]


def _clocks(process: psutil.Process) -> tuple[float, float]:
    """Returns wall seconds and the CPU seconds of the process."""
    return time.perf_counter(), sum(process.cpu_times()[:2])


if __name__ == "__main__":
    main()
