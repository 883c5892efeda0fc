"""One app and one browser for all journeys of a worker; the camera films a real face.

Journeys of a file find an empty workspace and share it. One that needs a server of its own, since
it ends the server or looks at a fresh one, runs `serve(workspace)` and says why.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from PIL import Image
from skimage import data

from tests.conftest import kill_with_children, supervisors
from tests.e2e.browsing import PATIENCE, no_exception
from tests.e2e.serving import Server, chromium, chromium_path, serve_stacks

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def camera_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scikit-image's astronaut (NASA) as MJPEG, which is JPEG after JPEG, for the fake camera."""
    folder = tmp_path_factory.mktemp("camera")
    frame = Image.new("RGB", (1280, 720), "gray")
    frame.paste(Image.fromarray(data.astronaut()).resize((720, 720)), (280, 0))
    frame.save(folder / "frame.jpg", quality=90)
    video = folder / "face.mjpeg"
    video.write_bytes((folder / "frame.jpg").read_bytes() * 15)
    return video


@pytest.fixture(scope="session")
def browser(camera_video: Path) -> Iterator["Browser"]:
    """Chromium without a window."""
    pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not chromium_path():
        pytest.skip("needs chromium")
    with chromium(f"--use-file-for-fake-video-capture={camera_video}") as browser:
        yield browser


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A fresh tab that may use the camera; what it waits for may take a busy machine a while."""
    context = browser.new_context(
        permissions=["camera"], viewport={"width": 1400, "height": 1000}, accept_downloads=True
    )
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    yield page
    if not page.is_closed():
        no_exception(page)
    context.close()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("shared") / "home"
    home.mkdir()
    with serve_stacks(home) as server:
        yield server


@pytest.fixture(scope="module")
def server(shared_server: Server) -> Iterator[Server]:
    """The app that all journeys of a worker share, with an empty workspace for those of a file.

    What other fixtures of the file write goes to that workspace, and is deleted at its end.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FER_HOME", str(shared_server.home))
        yield shared_server
        for supervisor in supervisors():
            with suppress(psutil.NoSuchProcess):
                kill_with_children(supervisor)
        shared_server.clear()


@pytest.fixture
def address(server: Server, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the shared app; the test itself works in the app's workspace."""
    monkeypatch.setenv("FER_HOME", str(server.home))
    return server.address


@pytest.fixture
def trainer() -> Iterator[dict[str, Any]]:
    """Yields the record of a process that does nothing, with the command line of a worker."""
    record = "import json; from fer_core.tasks import process_record as r; print(json.dumps(r()))"
    command = [sys.executable, "-uc", f"{record}; input()", "fer_core.tasks.worker"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.write("\n")
