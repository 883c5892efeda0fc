"""From a photo or the camera to an expression, in a browser."""

import json
import re
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops
from skimage import data

from fer_core.expressions import EXPRESSIONS
from tests.e2e.browsing import ANSWER, PATIENCE, download, open_page, press, settled, take_photo
from tests.e2e.serving import serve

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


@pytest.fixture
def astronaut(tmp_path: Path) -> Path:
    photo = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(photo)
    return photo


def test_a_camera_photo_gets_an_expression(page: "Page", address: str) -> None:
    open_page(page, f"{address}/predict")
    take_photo(page)
    page.get_by_text(ANSWER).wait_for()
    assert page.get_by_text("1 face", exact=True).is_visible()
    page.locator(".js-plotly-plot .bars").first.wait_for()


@pytest.fixture
def holiday(tmp_path: Path, astronaut: Path) -> Path:
    """A zipped folder of a photo, something that is none, and a name that leads elsewhere."""
    folder = tmp_path / "holiday.zip"
    with zipfile.ZipFile(folder, "w") as archive:
        archive.write(astronaut, "beach/one.png")
        archive.writestr("paper.jpg", b"%PDF-1.7 and so on")
        archive.write(astronaut, "../evil.png")
    return folder


def test_photos_and_an_archive_get_predictions_and_downloads(
    page: "Page", address: str, astronaut: Path, holiday: Path
) -> None:
    open_page(page, f"{address}/predict")
    page.locator("input[type=file]").set_input_files([astronaut, holiday])
    page.get_by_text("2 photos, 2 faces").wait_for()
    page.get_by_text("holiday.zip/paper.jpg cannot be read as an image").wait_for()
    page.get_by_text("a path outside the archive: ../evil.png").wait_for()
    page.get_by_role("button", name="Download annotated photos").wait_for()

    header, *rows = download(page, "Download table").read_text().splitlines()
    assert header.startswith("image,face,x,y,width,height,confidence,detection,blurred,p_angry,")
    assert header.endswith(",expression,answer,milliseconds")
    assert [row.split(",")[0] for row in rows] == ["astronaut.png", "holiday.zip/beach/one.png"]
    for row in rows:
        *_, expression, answer, milliseconds = row.split(",")
        assert answer in (expression, "not sure") and expression in EXPRESSIONS
        assert float(milliseconds) > 0

    record = json.loads(download(page, "Download JSON").read_text())
    assert len(record["images"]) == 2 and len(record["errors"]) == 2
    assert record["model"]["trained_on"] == "fer2013"

    with zipfile.ZipFile(download(page, "Download annotated photos")) as archive:
        assert archive.namelist() == ["astronaut.jpg", "holiday.zip/beach/one.jpg"]
        drawn = Image.open(BytesIO(archive.read("holiday.zip/beach/one.jpg")))
    assert drawn.size == (640, 640)
    before = Image.open(astronaut).resize(drawn.size)
    assert ImageChops.difference(drawn.convert("RGB"), before).getextrema()[0][1] > 100

    whole = page.get_by_text("the whole picture, no face detection")
    press(page.get_by_text("The picture is the face", exact=True), whole)
    settled(page)
    header, *rows = download(page, "Download table").read_text().splitlines()
    column = header.split(",").index("detection")
    assert [row.split(",")[column] for row in rows] == ["whole picture"] * 2


def test_the_margin_changes_the_model_input(page: "Page", address: str, astronaut: Path) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE * 1000)
    open_page(page, f"{address}/predict")
    page.locator("input[type=file]").set_input_files(astronaut)
    seen = page.get_by_alt_text("Model input of face 1")
    seen.wait_for()
    side = page.get_by_text(re.compile("pixel crop"))
    narrow, source, words = pixels_of(seen), seen.get_attribute("src"), side.inner_text()
    slider = page.get_by_role("slider", name="Margin around the face")
    slider.focus()
    for _ in range(8):
        slider.press("ArrowRight")
    expect(slider).to_have_value("40")
    expect(side).not_to_have_text(words)
    expect(seen).not_to_have_attribute("src", source)
    page.wait_for_function("image => image.complete", arg=seen.element_handle())
    # The flag and the hair around the face come into it.
    assert ImageChops.difference(narrow, pixels_of(seen)).getextrema()[1] > 60


def pixels_of(image: "Locator") -> Image.Image:
    return Image.open(BytesIO(image.screenshot())).convert("L").resize((200, 200))


def test_a_link_opens_its_page_with_navigation_on_a_fresh_server(
    page: "Page", workspace: Path
) -> None:
    with serve(workspace) as fresh:  # no other page was opened on it
        page.goto(f"{fresh.address}/predict")
        page.get_by_role("heading", name="Predict").wait_for()
        page.get_by_role("link", name="Datasets").wait_for()
        assert page.get_by_role("link", name="streamlit app").count() == 0
