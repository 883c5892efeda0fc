"""From a photo or the camera to an expression, in a browser."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from skimage import data

from fer_core.datasets.drawn import draw_dataset
from fer_core.expressions import EXPRESSIONS
from tests.e2e.conftest import ANSWER, PROJECT, serve, take_photo

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def trained_home(new_home: Callable[[], Path]) -> Path:
    """A workspace with a run that was really trained, if only a little, on drawn faces."""
    home = new_home()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FER_HOME", str(home))
        draw_dataset("faces", count=140)
    command = [sys.executable, "-m", "fer_core", "train", "--dataset", "faces"]
    subprocess.run(
        [*command, "--recipe", "cnn_classic", "--epochs", "1"],
        cwd=PROJECT,
        env=os.environ | {"FER_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return home


@pytest.fixture(scope="module")
def address(trained_home: Path) -> Iterator[str]:
    with serve(trained_home) as address:
        yield address


@pytest.fixture
def astronaut(tmp_path: Path) -> Path:
    photo = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(photo)
    return photo


def test_the_camera_gives_a_face_and_the_page_names_its_expression(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/predict")
    take_photo(page)
    page.get_by_text(ANSWER).wait_for()
    assert page.get_by_text("1 face", exact=True).is_visible()
    page.locator(".js-plotly-plot .bars").first.wait_for()
    assert page.get_by_test_id("stException").count() == 0


def test_uploaded_photos_get_expressions_a_table_and_sentences(
    page: "Page", address: str, astronaut: Path, tmp_path: Path
) -> None:
    (tmp_path / "paper.jpg").write_bytes(b"%PDF-1.7 and so on")
    page.goto(f"{address}/predict")
    page.locator("input[type=file]").set_input_files([tmp_path / "paper.jpg", astronaut])
    page.get_by_text(ANSWER).wait_for()
    page.get_by_text("paper.jpg cannot be read as an image").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download table").click()
    header, row = download.value.path().read_text().splitlines()
    assert header.startswith("image,face,x,y,width,height,confidence,p_angry,")
    assert row.startswith("astronaut.png,1,")
    assert row.rsplit(",", 1)[1] in EXPRESSIONS


def test_a_link_opens_its_page_in_the_frame_even_on_a_fresh_server(
    page: "Page", trained_home: Path
) -> None:
    with serve(trained_home) as fresh:
        page.goto(f"{fresh}/predict")
        page.get_by_role("heading", name="Predict").wait_for()
        page.get_by_role("link", name="Data sets").wait_for()
        assert page.get_by_role("link", name="streamlit app").count() == 0
