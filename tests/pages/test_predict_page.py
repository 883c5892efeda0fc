"""The page that recognises expressions in photos."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import ExifTags, Image
from skimage import data
from streamlit.testing.v1 import AppTest

from fer_core import models
from fer_core.expressions import EXPRESSIONS
from fer_core.runs import Run
from tests.pages.conftest import APP

ASTRONAUT = Image.fromarray(data.astronaut())
EMPTY = Image.new("RGB", (300, 200), "gray")


def file_of(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def save_model(run: Run, seed: int) -> None:
    """A network that has learned nothing, but answers."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((48, 48, 1))
    small = keras.layers.AveragePooling2D(8)(keras.layers.Rescaling(1 / 255)(inputs))
    flat = keras.layers.Flatten()(small)
    outputs = keras.layers.Dense(len(EXPRESSIONS), activation="softmax")(flat)
    models.save_model(keras.Model(inputs, outputs), run.directory / "model.keras")


@pytest.fixture
def run(finished_run: Callable[..., Run]) -> Run:
    run = finished_run()
    save_model(run, seed=0)
    return run


@pytest.fixture
def page(run: Run, open_page: Callable[..., AppTest]) -> AppTest:
    page = open_page("predict")
    assert page.selectbox[0].value == run.id
    return page


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value([(name, content, "image/png") for name, content in files])
    return rerun(page)


def rerun(page: AppTest) -> AppTest:
    page.run(timeout=60)
    assert not page.exception, page.exception
    return page


def table(page: AppTest) -> list[dict]:
    return page.dataframe[0].value.to_dict("records")


def test_without_a_run_the_page_says_what_to_do(open_page: Callable[..., AppTest]) -> None:
    page = open_page("predict")
    assert "There is no network yet" in page.info[0].value
    assert page.get("page_link")[0].proto.label == "Train one"
    assert not page.file_uploader


def test_the_page_says_what_an_expression_is_not(open_page: Callable[..., AppTest]) -> None:
    assert "not a person's emotion" in open_page("predict").caption[0].value


def test_opening_the_page_does_not_load_tensorflow(run: Run) -> None:
    program = f"""
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file({str(APP)!r}, default_timeout=60)
page.switch_page("pages/predict.py").run()
assert page.file_uploader and not page.exception, page.exception
sys.exit("tensorflow" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=APP.parent, check=False)
    assert done.returncode == 0


def test_a_photo_gets_a_box_a_crop_a_chart_and_a_row(page: AppTest) -> None:
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    (row,) = table(page)
    assert row["image"] == "astronaut.png"
    assert (row["x"], row["y"]) == (pytest.approx(180, abs=10), pytest.approx(60, abs=10))
    assert sum(row[f"p_{name}"] for name in EXPRESSIONS) == pytest.approx(1)
    assert row["expression"] in EXPRESSIONS
    assert len(page.get("plotly_chart")) == 1
    assert len(page.get("image")) == 2
    assert any(f"1 · {row['expression']}" in text.value for text in page.markdown)


def test_where_the_network_looked_is_shown_beside_the_face_when_asked_for(page: AppTest) -> None:
    page.toggle[0].set_value(True)
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    assert len(page.get("image")) == 3
    page.toggle[0].set_value(False)
    assert len(rerun(page).get("image")) == 2


def test_several_photos_share_one_table_and_keep_their_order(page: AppTest) -> None:
    astronaut = file_of(ASTRONAUT)
    upload(page, ("b.png", astronaut), ("a.png", file_of(EMPTY)), ("b.png", astronaut))
    assert [row["image"] for row in table(page)] == ["b.png", "b.png (2)"]
    assert [title.value for title in page.subheader][:3] == ["b.png", "a.png", "b.png (2)"]


def test_all_faces_of_a_photo_are_recognised(page: AppTest) -> None:
    crowd = Image.fromarray(np.tile(data.astronaut(), (1, 8, 1)))
    upload(page, ("crowd.png", file_of(crowd)))
    assert [row["face"] for row in table(page)] == list(range(1, 9))
    assert len(page.get("plotly_chart")) == 6  # a page of faces


def test_a_picture_of_the_camera_is_recognised(page: AppTest) -> None:
    page.segmented_control[0].set_value("Camera")
    rerun(page)
    page.camera_input[0].set_value(("photo.jpg", file_of(ASTRONAUT, "JPEG"), "image/jpeg"))
    rerun(page)
    (row,) = table(page)
    assert row["image"] == "camera.jpg"
    assert row["expression"] in EXPRESSIONS


def test_the_camera_stays_off_until_it_is_asked_for(page: AppTest) -> None:
    assert not page.camera_input


def test_a_photo_lying_on_its_side_is_recognised(page: AppTest) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    lying = ASTRONAUT.transpose(Image.Transpose.ROTATE_90)
    upload(page, ("phone.jpg", file_of(lying, "JPEG", exif=exif)))
    (row,) = table(page)
    assert row["x"] == pytest.approx(180, abs=12)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA", "I;16"])
def test_photos_of_every_mode_are_recognised(page: AppTest, mode: str) -> None:
    if mode == "I;16":
        photo = Image.fromarray(np.asarray(ASTRONAUT.convert("L")).astype(np.uint16) * 257)
    else:
        photo = ASTRONAUT.convert(mode)
    upload(page, ("photo.png", file_of(photo)))
    assert len(table(page)) == 1


def test_a_photo_without_a_face_gets_a_sentence_and_no_row(page: AppTest) -> None:
    upload(page, ("wall.png", file_of(EMPTY)))
    assert "No face was found in wall.png. Faces smaller than 20 pixels" in page.info[0].value
    assert table(page) == []


def test_what_cannot_be_read_is_said_and_the_others_go_on(page: AppTest) -> None:
    bomb = file_of(Image.new("1", (9000, 8000)))
    upload(
        page,
        ("empty.jpg", b""),
        ("paper.jpg", b"%PDF-1.7 and so on"),
        ("half.png", file_of(ASTRONAUT)[:5000]),
        ("huge.png", bomb),
        ("good.png", file_of(ASTRONAUT)),
    )
    assert [error.value for error in page.error] == [
        "empty.jpg cannot be read as an image: it is empty.",
        "paper.jpg cannot be read as an image: it is none of BMP, GIF, JPEG, PNG, TIFF, WEBP.",
        "half.png cannot be read as an image: the file is truncated.",
        "huge.png must have at most 64 megapixels. Received: 9000×8000, 72 megapixels.",
    ]
    assert [row["image"] for row in table(page)] == ["good.png"]


def test_a_damaged_model_is_said(page: AppTest, run: Run) -> None:
    (run.directory / "model.keras").write_bytes(b"half a model")
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    assert len(page.error) == 1


def test_smaller_faces_are_left_out_on_request(page: AppTest) -> None:
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    page.number_input[0].set_value(300)
    rerun(page)
    assert "Faces smaller than 300 pixels" in page.info[0].value


def test_an_unrelated_rerun_recognises_nothing_anew(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer_core import recognition

    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    monkeypatch.setattr(recognition, "recognize", None)
    rerun(page)
    assert len(table(page)) == 1


def test_a_better_epoch_of_the_run_answers_anew(page: AppTest, run: Run) -> None:
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    before = table(page)
    save_model(run, seed=1)
    rerun(page)
    assert table(page) != before


def test_the_address_chooses_the_run(
    run: Run, finished_run: Callable[..., Run], open_page: Callable[..., AppTest]
) -> None:
    finished_run("cnn_classic_wide")
    assert open_page("predict", run=run.id).selectbox[0].value == run.id


def test_a_groups_smaller_faces_are_found_on_request(page: AppTest, photos_dir: Path) -> None:
    upload(page, ("solvay.jpg", (photos_dir / "solvay.jpg").read_bytes()))
    assert len(table(page)) >= 28
    page.number_input[0].set_value(12)
    rerun(page)
    assert len(table(page)) == 29
