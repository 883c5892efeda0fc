"""A video on the Predict page, in a browser: looked at to its end, and one that is stopped."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from fer_core.expressions import EXPRESSIONS
from fer_core.runs.config import TrainConfig
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage.files import write_json
from tests.batches.characters import brightness_run, write_clip
from tests.e2e.browsing import (
    PATIENCE,
    download,
    no_exception,
    open_page,
    press,
    settled,
    stand_still,
)
from tests.e2e.serving import Server
from tests.inference.synthetic_video import face_frames, gray_frames, write_film
from tests.pages.predict.conftest import save_model

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PLAY = """async () => {
    const video = document.querySelector('video')
    video.muted = true
    await video.play()
    return {length: video.duration, width: video.videoWidth}
}"""

FRAME = 1 / 25
TIME = "document.querySelector('video').currentTime"
LINE = "Number(document.querySelector('.fer-cursor').dataset.seconds)"


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


def show(page: "Page", film: Path, result: "Locator") -> None:
    """Shows the result of a film that has ended or will, also where an earlier one is shown."""
    button = page.get_by_role("button", name=f"Show {film.name}")
    result.or_(button).first.wait_for(timeout=2000 * PATIENCE)
    if not result.is_visible():
        press(button, result)


def play(page: "Page") -> dict[str, float]:
    """Plays a third of a second of the video; returns its length in seconds and its width."""
    facts: dict[str, float] = page.evaluate(PLAY)
    page.wait_for_function("document.querySelector('video').currentTime >= 0.3")
    return facts


def test_a_processed_video_plays_and_its_table_is_downloaded(
    page: "Page", address: str, run: Run, film: Callable[[int], Path]
) -> None:
    given = film(75)
    give(page, f"{address}/predict?run={run.id}", given)
    show(page, given, page.get_by_text("75 frames of 0:03"))
    page.get_by_role("button", name="Download annotated video").wait_for()
    page.get_by_text("Face 1", exact=True).wait_for()
    page.locator(".js-plotly-plot .scatterlayer").first.wait_for()
    video = play(page)
    assert video["width"] == 640
    assert video["length"] == pytest.approx(3, abs=0.1)
    lines = download(page, "Download table", "75 frames-faces.csv").read_text().splitlines()
    assert lines[0].startswith("seconds,frame,face,x,y,width,height,confidence,detection,")
    assert len(lines) > 60


def test_a_stopped_video_keeps_the_processed_part(
    page: "Page", address: str, run: Run, film: Callable[[int], Path]
) -> None:
    given = film(4000)
    give(page, f"{address}/predict?run={run.id}", given)
    page.get_by_text("of 4,000 frames").wait_for(timeout=1000 * PATIENCE)
    page.get_by_role("button", name="Stop processing").click()
    show(page, given, page.get_by_text("Processing was stopped at"))
    play(page)
    delete = page.get_by_role("button", name="Delete permanently")
    press(page.get_by_role("button", name="Delete …"), delete)
    press(delete, page.get_by_text("Processing was stopped"), state="detached")


def test_charts_and_video_move_each_other_without_the_server(
    page: "Page", address: str, run: Run, tmp_path: Path
) -> None:
    received: list[object] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda content: received.append(content)),
    )
    # Nobody for two seconds, then a face for four.
    frames = [*gray_frames(50, 240, 480), *face_frames(100, width=480)]
    given = write_film(tmp_path / "late face.mp4", frames)
    give(page, f"{address}/predict?run={run.id}", given)
    show(page, given, page.get_by_text("150 frames", exact=True))
    chart = page.locator(".js-plotly-plot", has=page.locator(".fer-cursor")).first
    chart.wait_for(timeout=2000 * PATIENCE)
    now = page.locator(".fer-moment")
    now.get_by_text("no face").wait_for()
    settled(page)

    whole = (len(frames) - 1) * FRAME
    click_chart(chart, 0.75)
    wait_for_time(page, 0.75 * whole)
    now.get_by_text("Face 1:").wait_for()
    click_chart(chart, 0.25)
    wait_for_time(page, 0.25 * whole)
    now.get_by_text("no face").wait_for()

    chart.press("ArrowRight")
    wait_for_time(page, 0.25 * whole + 1)
    page.locator("video").evaluate("video => { video.muted = true }")
    settled(page)
    received.clear()  # clicks are for markers too
    chart.press(" ")
    page.wait_for_function(f"{LINE} > 2.7 && {LINE} < {TIME} + 0.2")
    chart.press(" ")
    page.wait_for_function("document.querySelector('video').paused")
    page.wait_for_function(f"Math.abs({LINE} - {TIME}) < {FRAME}")
    assert not received
    page.locator("video").evaluate("video => { video.src = 'data:video/mp4;base64,AAAA' }")
    now.get_by_text("This browser cannot play the video").wait_for()


def click_chart(chart: "Locator", share: float) -> None:
    """Clicks on a chart, at so much of its width from the left."""
    area = chart.locator(".nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    area.click(position={"x": share * box["width"], "y": box["height"] / 2})


def wait_for_time(page: "Page", seconds: float) -> None:
    """Waits until the video and the line on the chart are at a time, within a frame."""
    for place in (TIME, LINE):
        page.wait_for_function(f"Math.abs({place} - {seconds}) < {FRAME}")


def test_markers_of_a_table_give_the_means_before_and_after(
    page: "Page", address: str, server: Server, tmp_path: Path
) -> None:
    """Two tracks of one person, sad and later happy, are merged, marked and downloaded."""
    clip = write_clip(
        tmp_path / "smile.mp4", 0, ["sad"] * 10 + ["happy"] * 10 + [""] * 15 + ["sad"] * 11
    )
    (tmp_path / "marks.csv").write_text("time;label\n1,0;smiles\n0:09;nobody\n")
    give(page, f"{address}/predict?run={brightness_run().id}", clip)
    show(page, clip, page.get_by_text("46 frames", exact=True))
    panel = page.get_by_text("Markers and baseline")
    upload = page.get_by_text("Markers or excluded ranges (CSV)")
    press(panel, upload)
    page.locator("[class*=st-key-marker-table] input[type=file]").set_input_files(
        tmp_path / "marks.csv"
    )
    add = page.get_by_role("button", name="Add from CSV", disabled=False)
    press(add, page.get_by_text("Before and after markers"))
    page.locator(".js-plotly-plot .annotation-text", has_text="smiles").first.wait_for()
    field = page.get_by_role("textbox", name="From-to")
    field.fill("0-1")
    field.press("Enter")
    settled(page)
    set_baseline = page.get_by_role("button", name="Set baseline")
    press(set_baseline, page.get_by_text("A baseline is subtracted").first)
    people = page.get_by_text("People", exact=True)
    settled(page)
    stand_still(people)  # charts and a table above it are drawn late
    press(people, page.get_by_text("smile.mp4, track 2"))
    for track in ("smile.mp4, track 1", "smile.mp4, track 2"):
        page.get_by_text(track).click()
        settled(page)
    press(page.get_by_role("button", name="Same person"), page.get_by_text("smile.mp4 1 · Face 1"))
    settled(page)
    means = pd.read_csv(download(page, "Download means", "smile-markers-minus-baseline.csv"))
    assert means["person"].unique().tolist() == ["smile.mp4 1"]
    found = means[means["marker"] == "smiles"].set_index("period")
    assert found["frames"].tolist() == [10, 10, 20]
    # The model of brightness takes these faces for happy with 6 % and with 96 %.
    assert found["mean_happy"].tolist() == pytest.approx([0.06, 0.96, 0.9], abs=0.05)
    assert found["mean_happy_minus_baseline"].tolist() == pytest.approx([0, 0.9, 0.9], abs=0.05)
    assert means[means["marker"] == "nobody"]["mean_happy"].isna().all()
    click_chart(page.locator(".js-plotly-plot", has=page.locator(".fer-cursor")).first, 0.5)
    page.wait_for_function(f"{TIME} > 1")
    time = page.get_by_role("textbox", name="Time", exact=True)
    assert time.input_value() == ""
    page.get_by_role("button", name="Mark this moment").click()
    page.wait_for_function("field => field.value.startsWith('0:02')", arg=time.element_handle())
    no_exception(page)
