"""The live camera in a browser: named faces, a chart that moves, and nothing left behind."""

import re
import signal
from typing import TYPE_CHECKING

import pytest

from fer_core.expressions import EXPRESSIONS
from tests.e2e.browsing import PATIENCE, download, open_page, wait_until
from tests.e2e.serving import CHROMIUM_OPTIONS, Server, chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STARTS = 2
ANSWERED = re.compile(rf"^1 · (not sure \()?({'|'.join(EXPRESSIONS)})")
KEEP_SETTINGS = """
const Original = RTCPeerConnection;
top.settings ??= [];
window.RTCPeerConnection = function (settings) {
  top.settings.push(JSON.stringify(settings));
  return new Original(settings);
};
window.RTCPeerConnection.prototype = Original.prototype;
"""
OLDEST = "() => Math.min(...document.querySelector('.live-plot')?._fullData?.[3].x ?? [0])"

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals")


def threads(server: Server) -> int:
    """How many threads look at frames, or decode them."""
    return sum("live.py" in stack or "decoder_worker" in stack for stack in server.stacks())


def switch_on(page: "Page", address: str) -> None:
    """Opens the page and lets the camera be used."""
    open_page(page, f"{address}/predict")
    page.get_by_role("radio", name="Live").click()
    page.get_by_text("Camera on", exact=True).click()


def wait_for_video(page: "Page") -> None:
    """Returns when the video with the drawn faces plays."""
    video = page.frame_locator("iframe").locator("video")
    video.wait_for()
    wait_until(lambda: video.evaluate("video => video.currentTime > 0"))


def test_a_live_face_is_labeled_charted_and_recorded(page: "Page", server: Server) -> None:
    page.context.add_init_script(KEEP_SETTINGS)
    switch_on(page, server.address)
    wait_for_video(page)
    page.get_by_text(ANSWERED).wait_for()
    page.get_by_text("Record a table", exact=True).click()
    page.wait_for_function(f"({OLDEST})() < 0")
    oldest = page.evaluate(OLDEST)
    page.wait_for_function(f"({OLDEST})() < {oldest} - 1")
    page.get_by_text(re.compile("frames/s received, .* processed, latency .* ms")).wait_for()
    page.get_by_text(re.compile("[1-9] rows recorded")).wait_for()
    page.get_by_text("Record a table", exact=True).click()
    page.get_by_text("rows recorded").wait_for(state="detached")
    header, *rows = download(page, "Download table").read_text().splitlines()
    assert header.startswith("time,seconds,face,x,y,width,height,detection,blurred,p_angry,")
    assert rows and all(row.split(",")[-2] in EXPRESSIONS for row in rows)
    assert set(page.evaluate("top.settings")) == {'{"iceServers":[]}'}  # nobody outside is asked
    assert page.get_by_test_id("stException").count() == 0


def test_threads_end_when_the_camera_or_the_page_is_closed(page: "Page", server: Server) -> None:
    switch_on(page, server.address)
    for _ in range(STARTS):
        wait_for_video(page)
        wait_until(lambda: threads(server) >= 2)
        page.get_by_text("Camera on", exact=True).click()
        wait_until(lambda: threads(server) == 0)
        page.get_by_text("Camera on", exact=True).click()
    wait_for_video(page)
    page.get_by_role("link", name="Home").click()
    page.get_by_role("heading", name="FER Studio").wait_for()
    wait_until(lambda: threads(server) == 0)
    switch_on(page, server.address)
    wait_for_video(page)
    wait_until(lambda: threads(server) >= 2)
    page.get_by_role("radio", name="Files").click()
    wait_until(lambda: threads(server) == 0)
    switch_on(page, server.address)
    wait_for_video(page)
    wait_until(lambda: threads(server) >= 2)
    page.close()
    wait_until(lambda: threads(server) == 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--use-fake-device-for-media-stream"], "The browser denies"),
        (["--use-fake-ui-for-media-stream"], "No camera was found"),
    ],
    ids=["denied", "none"],
)
def test_a_denied_or_missing_camera_is_explained(
    browser: "Browser", server: Server, options: list[str], sentence: str
) -> None:
    options_without_camera = [option for option in CHROMIUM_OPTIONS if "-fake-" not in option]
    other = browser.browser_type.launch(
        executable_path=chromium_path(),
        args=[*options_without_camera, *options],
    )
    page = other.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    switch_on(page, server.address)
    page.get_by_text(sentence).wait_for()
    assert page.locator("iframe").count() == 0
    other.close()
