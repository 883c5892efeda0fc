"""The real app in a real browser whose camera films a real face."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from skimage import data

from fer_core.expressions import EXPRESSIONS
from tests.conftest import end_supervisor
from tests.e2e.browsing import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROJECT = Path(__file__).parents[2]
APP = PROJECT / "streamlit_app.py"
# Of the first face; a network that has hardly learned is not sure.
ANSWER = re.compile(rf"^1 · ({'|'.join(EXPRESSIONS)}|not sure)$")
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@pytest.fixture(scope="session")
def face_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scikit-image's astronaut (NASA) in a film for the fake camera: MJPEG is JPEG after JPEG."""
    folder = tmp_path_factory.mktemp("camera")
    frame = Image.new("RGB", (1280, 720), "gray")
    frame.paste(Image.fromarray(data.astronaut()).resize((720, 720)), (280, 0))
    frame.save(folder / "frame.jpg", quality=90)
    film = folder / "face.mjpeg"
    film.write_bytes((folder / "frame.jpg").read_bytes() * 15)
    return film


@pytest.fixture(scope="session")
def browser(face_film: Path) -> Iterator["Browser"]:
    """Chromium without a window."""
    pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not chromium_path():
        pytest.skip("needs chromium")
    with chromium(f"--use-file-for-fake-video-capture={face_film}") as browser:
        yield browser


def chromium_path() -> str | None:
    """Returns the path of the Chromium that is installed, if any."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium(*options: str) -> Iterator["Browser"]:
    """Runs Chromium without a window, with further command-line options."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as runner:
        browser = runner.chromium.launch(
            executable_path=chromium_path(), args=[*CHROMIUM_OPTIONS, *options], headless=True
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A fresh tab that may use the camera; what it waits for may take a busy machine a while."""
    context = browser.new_context(
        permissions=["camera"], viewport={"width": 1400, "height": 1000}, accept_downloads=True
    )
    context.set_default_timeout(PATIENCE * 1000)
    yield context.new_page()
    context.close()


@contextmanager
def serve(
    home: Path, streamlit: Sequence[str] = ("-m", "streamlit"), app: Path = APP
) -> Iterator[str]:
    """Runs the app on a workspace; gives its address. `streamlit` is what Python runs."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *streamlit, "run", str(app)]
    server = subprocess.Popen(
        [*command, "--server.headless=true", f"--server.port={port}"],
        cwd=PROJECT,
        env=os.environ | {"FER_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://localhost:{port}"
        wait_for_answer(f"{address}/_stcore/health")
        yield address
    finally:
        server.kill()
        server.wait()


def wait_for_answer(address: str) -> None:
    """Returns when the server answers; fails when it does not within PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    pytest.fail(f"{address} did not answer within {PATIENCE:.0f} s")


@pytest.fixture(scope="module")
def new_home(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], Path]]:
    """Makes workspaces that outlive a test; their supervisors end with the module."""
    with ExitStack() as stack:

        def make() -> Path:
            home = tmp_path_factory.mktemp("home")
            stack.callback(_end_supervisor_of, home)
            return home

        yield make


def _end_supervisor_of(home: Path) -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FER_HOME", str(home))
        end_supervisor()
