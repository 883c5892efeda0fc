"""Starts the real app and a real browser for journeys and benchmarks."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.browsing import PATIENCE, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROJECT = Path(__file__).parents[2]
APP = PROJECT / "streamlit_app.py"
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
STREAMLIT = ("-m", "streamlit")
# Streamlit that writes what its threads are doing when it is asked to. Not by faulthandler: that
# reads the frames of threads that run meanwhile, and now and then ends the process by it.
_WRITES_STACKS = """
import signal, sys, traceback
from pathlib import Path
def write(number, frame):
    threads = [
        "\\n".join(str(frame.f_code) for frame, _ in traceback.walk_stack(top))
        for top in sys._current_frames().values()
    ]
    making = stacks.with_suffix(".making")
    making.write_text("\\n\\n".join(threads))
    making.replace(stacks)
stacks = Path(sys.argv.pop(1))
if hasattr(signal, "SIGUSR1"):
    signal.signal(signal.SIGUSR1, write)
from streamlit.web.cli import main
main()
"""


@dataclass(frozen=True)
class Server:
    """The app in a process of its own."""

    address: str
    home: Path  # its workspace
    pid: int

    def stacks(self) -> list[str]:
        """Returns what each thread is doing, of a server that was started by `serve_stacks`."""
        file = _stacks_file(self.home)
        file.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        wait_until(file.exists, "the stacks of the server's threads")
        return file.read_text().split("\n\n")

    def clear(self) -> None:
        """Deletes everything in the workspace but the log, which the server has open."""
        wait_until(self._is_cleared, "the workspace to be deleted")

    def _is_cleared(self) -> bool:
        entries = [entry for entry in self.home.iterdir() if entry.name != "logs"]
        for entry in entries:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)  # a page may still write something
            else:
                entry.unlink(missing_ok=True)
        return not entries


def _stacks_file(home: Path) -> Path:
    return home.with_name(f"{home.name}-stacks.txt")


@contextmanager
def serve(home: Path, app: Path = APP, program: Sequence[str] = STREAMLIT) -> Iterator[Server]:
    """Runs an app on a workspace. `program` are the arguments that make Python run Streamlit."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *program, "run", str(app)]
        + ["--server.headless=true", f"--server.port={port}"],
        cwd=PROJECT,  # for the project's settings
        env=os.environ | {"FER_HOME": str(home), "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://localhost:{port}"
        _wait_for_answer(process, f"{address}/_stcore/health")
        yield Server(address, home, process.pid)
    finally:
        process.kill()
        process.wait()


def serve_stacks(home: Path) -> AbstractContextManager[Server]:
    """Runs the app on a workspace so that `Server.stacks` works."""
    return serve(home, program=("-c", _WRITES_STACKS, str(_stacks_file(home))))


def _wait_for_answer(process: subprocess.Popen, address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        assert process.poll() is None, f"the server ended with code {process.returncode}"
        time.sleep(0.1)
    raise AssertionError(f"{address} did not answer within {PATIENCE:.0f} s")


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
