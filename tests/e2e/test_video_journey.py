"""A video on the Predict page, in a browser: looked at to its end, and one that is stopped."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fer_core.expressions import EXPRESSIONS
from fer_core.runs.config import TrainConfig
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage.files import write_json
from tests.e2e.browsing import PATIENCE, download, open_page, press
from tests.e2e.serving import Server
from tests.inference.synthetic_video import face_frames, write_film
from tests.pages.predict.conftest import save_model

if TYPE_CHECKING:
    from playwright.sync_api import Page

PLAY = """async () => {
    const video = document.querySelector('video')
    video.muted = true
    await video.play()
    return {length: video.duration, width: video.videoWidth}
}"""


@pytest.fixture(scope="module")
def run(server: Server) -> Run:
    """A model that has learned nothing, but answers."""
    run = create_run(TrainConfig(recipe="cnn_classic", dataset="tiny"))
    write_json(run.directory / "dataset.json", {"class_names": EXPRESSIONS, "counts": {}})
    save_model(run, seed=0)
    return run


@pytest.fixture
def film(tmp_path: Path) -> Callable[[int], Path]:
    """Makes films of so many frames in which a face moves."""
    return lambda frames: write_film(
        tmp_path / f"{frames} frames.mp4", (face_frames(50) * (frames // 50 + 1))[:frames]
    )


def give(page: "Page", address: str, film: Path) -> None:
    open_page(page, address)
    page.get_by_role("radio", name="Video").click()
    page.get_by_text("Video with faces").wait_for()
    page.locator("input[type=file][accept*='.mp4']").set_input_files(film)
    page.get_by_role("button", name="Process video", disabled=False).click()


def play(page: "Page") -> dict[str, float]:
    """Plays a third of a second of the video; returns its length in seconds and its width."""
    facts: dict[str, float] = page.evaluate(PLAY)
    page.wait_for_function("document.querySelector('video').currentTime >= 0.3")
    return facts


def test_a_processed_video_plays_and_its_table_is_downloaded(
    page: "Page", address: str, run: Run, film: Callable[[int], Path]
) -> None:
    give(page, f"{address}/predict?run={run.id}", film(75))
    page.get_by_role("button", name="Download annotated video").wait_for(timeout=2000 * PATIENCE)
    page.get_by_text("75 frames of 0:03").wait_for()
    page.get_by_text("Face 1", exact=True).wait_for()
    page.locator(".js-plotly-plot .scatterlayer").first.wait_for()
    video = play(page)
    assert video["width"] == 640
    assert video["length"] == pytest.approx(3, abs=0.1)
    lines = download(page, "Download table", "75 frames-faces.csv").read_text().splitlines()
    assert lines[0].startswith("seconds,frame,face,x,y,width,height,confidence,p_angry,")
    assert len(lines) > 60


def test_a_stopped_video_keeps_the_processed_part(
    page: "Page", address: str, run: Run, film: Callable[[int], Path]
) -> None:
    give(page, f"{address}/predict?run={run.id}", film(4000))
    page.get_by_text("of 4,000 frames").wait_for(timeout=1000 * PATIENCE)
    page.get_by_role("button", name="Stop processing").click()
    page.get_by_text("Processing was stopped at").wait_for(timeout=1000 * PATIENCE)
    play(page)
    delete = page.get_by_role("button", name="Delete permanently")
    press(page.get_by_role("button", name="Delete …"), delete)
    press(delete, page.get_by_text("Processing was stopped"), state="detached")
