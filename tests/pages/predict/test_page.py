"""The page that recognises expressions in photos."""

import io
import json
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event, Semaphore

import numpy as np
import pandas as pd
import pytest
from PIL import ExifTags, Image
from skimage import data
from streamlit.testing.v1 import AppTest

from fer_core import runs
from fer_core.errors import FerError
from fer_core.expressions import EXPRESSIONS
from fer_core.inference import recognition
from fer_core.inference.photos import Photo
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.vision.detection import Face, FaceDetector
from fer_core.vision.image_stats import compute_image_stats
from pages.components.predict import photo_cache
from pages.components.predict import photo_results as results
from pages.components.shared import models as shared_models
from pages.components.shared.models import FaceSearch
from tests.pages.conftest import APP
from tests.pages.predict.conftest import save_model

ASTRONAUT = Image.fromarray(data.astronaut())
EMPTY = Image.new("RGB", (300, 200), "gray")


def file_of(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture
def page(run: Run, open_page: Callable[..., AppTest]) -> AppTest:
    page = open_page("predict")
    assert page.selectbox[0].value == run.id
    return page


def test_a_model_that_tensorflow_runs_is_said_to_be_slow(
    run: Run, open_page: Callable[..., AppTest]
) -> None:
    file = run.directory / "model.keras"
    with zipfile.ZipFile(file) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    answers = json.loads(members["answers.json"])
    members["answers.json"] = json.dumps([[p + 1e-3 for p in row] for row in answers]).encode()
    with zipfile.ZipFile(file, "w") as changed:
        for name, content in members.items():
            changed.writestr(name, content)
    page = open_page("predict")
    shared_models.classifier_future(run.id, file.stat().st_mtime_ns, False).result()
    rerun(page)
    assert any("differs by 0.001" in each.value for each in page.caption)


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value([(name, content, "image/png") for name, content in files])
    return rerun(page)


def rerun(page: AppTest) -> AppTest:
    page.run(timeout=120)
    assert not page.exception, page.exception
    return page


def table(page: AppTest) -> list[dict]:
    return page.dataframe[0].value.to_dict("records")


def said(page: AppTest) -> str:
    """All captions and texts."""
    return "\n".join(text.value for text in (*page.caption, *page.markdown))


def pictures(page: AppTest) -> list[str]:
    """Returns the alternative texts of all images."""
    return [image.alt for each in page.get("image") for image in each.proto.imgs]


def sharpen(page: AppTest, right: float) -> AppTest:
    """Sets the minimum accuracy."""
    page.select_slider[0].set_value(right)
    return rerun(page)


def test_without_a_run_the_page_says_what_to_do(open_page: Callable[..., AppTest]) -> None:
    page = open_page("predict")
    assert "There is no trained model yet" in page.info[0].value
    assert page.get("page_link")[0].proto.label == "Train a model"
    assert not page.file_uploader


def test_the_page_says_what_an_expression_is_not(open_page: Callable[..., AppTest]) -> None:
    assert "not a person's emotion" in open_page("predict").caption[0].value


def test_opening_the_page_loads_the_detector_behind_it_and_does_not_wait(
    run: Run, open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, loaded = threading.Event(), threading.Event()

    def load() -> None:
        assert opened.wait(120)
        loaded.set()

    monkeypatch.setattr(shared_models, "_load_detector", load)
    shared_models.detector_future.cache_clear()
    try:
        assert open_page("predict").file_uploader
        assert not loaded.is_set()
        opened.set()
        assert loaded.wait(120)
    finally:
        opened.set()
        shared_models.detector_future.cache_clear()


def test_recognizing_a_photo_loads_no_tensorflow(run: Run, tmp_path: Path) -> None:
    (tmp_path / "astronaut.png").write_bytes(file_of(ASTRONAUT))
    program = f"""
import sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
page = AppTest.from_file({str(APP)!r}, default_timeout=120)
page.switch_page("pages/predict.py").run()
photo = Path({str(tmp_path / "astronaut.png")!r})
page.file_uploader[0].set_value([(photo.name, photo.read_bytes(), "image/png")]).run()
assert not page.exception, page.exception
assert page.dataframe[0].value["answer"].notna().all()
sys.exit(not {{"tensorflow", "keras"}}.isdisjoint(sys.modules))
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
    assert len(page.get("image")) == 3  # the picture, the face, the network's pixels
    assert row["answer"] in (row["expression"], "not sure") and row["milliseconds"] > 1
    assert any(f"1 · {row['answer']}" in text.value for text in page.markdown)


def test_grad_cam_is_shown_on_request(page: AppTest) -> None:
    page.toggle(key="grad-cam").set_value(True)
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    assert len(page.get("image")) == 4
    page.toggle(key="grad-cam").set_value(False)
    assert len(rerun(page).get("image")) == 3


def test_several_photos_share_one_table_and_keep_their_order(page: AppTest) -> None:
    astronaut = file_of(ASTRONAUT)
    upload(page, ("b.png", astronaut), ("a.png", file_of(EMPTY)), ("b.png", astronaut))
    assert [row["image"] for row in table(page)] == ["b.png", "a.png", "b.png (2)"]
    assert [title.value for title in page.subheader][:2] == ["3 photos, 2 faces", "b.png"]


def test_all_faces_of_a_photo_are_recognized(page: AppTest) -> None:
    crowd = Image.fromarray(np.tile(data.astronaut(), (1, 8, 1)))
    upload(page, ("crowd.png", file_of(crowd)))
    assert [row["face"] for row in table(page)] == list(range(1, 9))
    assert len(page.get("plotly_chart")) == 6  # a page of faces


def test_a_picture_of_the_camera_is_recognized(page: AppTest) -> None:
    page.segmented_control[0].set_value("Camera")
    rerun(page)
    page.camera_input[0].set_value(("photo.jpg", file_of(ASTRONAUT, "JPEG"), "image/jpeg"))
    rerun(page)
    (row,) = table(page)
    assert row["image"] == "camera.jpg"
    assert row["expression"] in EXPRESSIONS


def test_the_camera_stays_off_until_it_is_asked_for(page: AppTest) -> None:
    assert not page.camera_input


def test_a_photo_lying_on_its_side_is_recognized(page: AppTest) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    lying = ASTRONAUT.transpose(Image.Transpose.ROTATE_90)
    upload(page, ("phone.jpg", file_of(lying, "JPEG", exif=exif)))
    (row,) = table(page)
    assert row["x"] == pytest.approx(180, abs=12)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA", "I;16"])
def test_photos_of_every_mode_are_recognized(page: AppTest, mode: str) -> None:
    if mode == "I;16":
        photo = Image.fromarray(np.asarray(ASTRONAUT.convert("L")).astype(np.uint16) * 257)
    else:
        photo = ASTRONAUT.convert(mode)
    upload(page, ("photo.png", file_of(photo)))
    assert len(table(page)) == 1


def test_a_photo_without_a_face_gets_a_sentence_and_a_row_without_answer(page: AppTest) -> None:
    upload(page, ("wall.png", file_of(EMPTY)))
    assert "No face was found in wall.png. Faces smaller than 20 pixels" in page.info[0].value
    (row,) = table(page)
    assert (row["image"], row["answer"]) == ("wall.png", "no face")


def test_pictures_without_a_face_can_be_taken_whole(page: AppTest) -> None:
    upload(page, ("wall.png", file_of(EMPTY)), ("tall.png", file_of(EMPTY.resize((200, 300)))))
    proposal = next(button for button in page.button if button.label.startswith("Take each whole"))
    proposal.click()
    rerun(page)
    assert page.toggle(key="the-picture-is-the-face").value
    rows = table(page)
    assert [row["detection"] for row in rows] == ["whole picture"] * 2
    assert [(row["width"], row["height"]) for row in rows] == [(300, 200), (200, 300)]
    assert all(row["expression"] in EXPRESSIONS and pd.isna(row["confidence"]) for row in rows)
    assert not any(button.label.startswith("Take each whole") for button in page.button)


def test_small_pictures_are_proposed_as_faces_only_if_most_are_small(page: AppTest) -> None:
    small = file_of(ASTRONAUT.crop((160, 52, 288, 180)).resize((48, 48)))
    upload(page, ("small.png", small), ("astronaut.png", file_of(ASTRONAUT)))
    assert not any(button.label.startswith("Take each whole") for button in page.button)
    upload(page, ("small.png", small))
    assert any(button.label.startswith("Take each whole") for button in page.button)


def test_a_doubtful_face_is_marked_and_not_sure(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    detect = FaceDetector.detect

    def doubt(*arguments: object) -> list[Face]:
        return [replace(face, confidence=0.9) for face in detect(*arguments)]  # type: ignore[arg-type]

    monkeypatch.setattr(FaceDetector, "detect", doubt)
    monkeypatch.setattr(
        recognition.Classifier, "predict_pixels", lambda *_: np.eye(len(EXPRESSIONS))[:1]
    )
    sharpen(upload(page, ("astronaut.png", file_of(ASTRONAUT))), 0.8)
    (row,) = table(page)
    assert (row["detection"], row["answer"]) == ("doubtful", "not sure")
    assert "Doubtful" in said(page)


def test_unreadable_files_get_an_error_and_the_others_a_result(page: AppTest) -> None:
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
        "paper.jpg cannot be read as an image: it is none of BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP.",
        "half.png cannot be read as an image: the file is truncated.",
        "huge.png must have at most 64 megapixels. Received: 9000×8000, 72 megapixels.",
    ]
    assert [row["image"] for row in table(page)] == ["good.png"]


def test_a_damaged_model_gets_an_error(page: AppTest, run: Run) -> None:
    (run.directory / "model.keras").write_bytes(b"half a model")
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    assert len(page.error) == 1


def test_smaller_faces_are_left_out_on_request(page: AppTest) -> None:
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    page.number_input[0].set_value(300)
    rerun(page)
    assert "Faces smaller than 300 pixels" in page.info[0].value


def test_an_unrelated_rerun_predicts_nothing_again(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    monkeypatch.setattr(recognition.Classifier, "predict_pixels", None)
    monkeypatch.setattr(FaceDetector, "detect", None)
    rerun(page)
    assert len(table(page)) == 1


def test_a_result_that_was_dropped_is_computed_once_more(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    photo_cache.results_store().clear()  # as after an hour
    rerun(page)
    monkeypatch.setattr(recognition.Classifier, "predict_pixels", None)
    rerun(page)
    assert len(table(page)) == 1


@pytest.mark.parametrize("part", ["_show_gallery", "show_photo", "show_model_input"])
def test_a_run_that_is_deleted_meanwhile_gets_a_sentence(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def gone(*arguments: object) -> None:
        raise FerError("The run must be one of those listed.")

    monkeypatch.setattr(results, part, gone)
    upload(page, ("a.png", file_of(ASTRONAUT)), ("b.png", file_of(EMPTY)))
    assert [error.value for error in page.error] == ["The run must be one of those listed."]
    assert len(table(page)) == 2


def test_many_photos_are_classified_batch_by_batch(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "_BATCH_SIZE", 2)
    wider = [ASTRONAUT.crop((-40 * number, 0, 512, 512)) for number in range(3)]
    photos = [(f"{number}.png", file_of(image)) for number, image in enumerate(wider)]
    upload(page, *photos, ("half.png", photos[0][1][:5000]))  # the last one cannot be read
    assert [row["image"] for row in table(page)] == ["0.png", "1.png", "2.png"]
    assert len(page.error) == 1


def test_the_faces_of_several_photos_are_classified_in_one_batch(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer_core.inference.recognition import Classifier

    asked: list[int] = []
    predict = Classifier.predict_pixels

    def counted(self: Classifier, pixels: Sequence[np.ndarray]) -> np.ndarray:
        asked.append(len(pixels))
        return predict(self, pixels)

    upload(page, ("alone.png", file_of(ASTRONAUT)))
    alone = table(page)
    monkeypatch.setattr(Classifier, "predict_pixels", counted)
    wider = ASTRONAUT.crop((-40, 0, 512, 512))
    half = file_of(ASTRONAUT)[:5000]
    upload(
        page,
        ("a.png", file_of(ASTRONAUT.copy(), compress_level=1)),
        ("half.png", half),
        ("b.png", file_of(wider)),
        ("c.png", file_of(ASTRONAUT.transpose(Image.Transpose.FLIP_LEFT_RIGHT))),
    )
    assert asked == [3]
    assert [row["image"] for row in table(page)] == ["a.png", "b.png", "c.png"]
    assert len(page.error) == 1
    numbers = [key for key in alone[0] if key.startswith("p_")]
    assert [table(page)[0][key] for key in numbers] == pytest.approx(
        [alone[0][key] for key in numbers], abs=1e-3
    )
    rerun(page)
    assert asked == [3]


def test_a_face_is_cropped_once_for_the_prediction_the_card_and_grad_cam(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops: list[object] = []
    crop_face = recognition.crop_face
    monkeypatch.setattr(recognition, "crop_face", lambda *a: crops.append(a) or crop_face(*a))
    page.toggle(key="grad-cam").set_value(True)
    upload(page, ("once.png", file_of(ASTRONAUT.rotate(3))))
    assert len(page.get("image")) == 4 and len(crops) == 1
    photo_cache.crops_store().clear()  # as after an hour: made again
    rerun(page)
    assert len(page.get("image")) == 4 and len(crops) == 2


def test_a_store_drops_the_least_recently_used_and_the_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store: photo_cache.Store[int] = photo_cache.Store(2)
    store.put("a", 1)
    store.put("b", 2)
    assert store.get("a") == 1
    store.put("c", 3)
    assert (store.get("a"), store.get("b"), store.get("c")) == (1, None, 3)
    monkeypatch.setattr(photo_cache, "_MAX_AGE", -1.0)
    assert store.get("a") is None


def test_a_better_epoch_predicts_again(page: AppTest, run: Run) -> None:
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


@pytest.fixture
def pretrained(finished_run: Callable[..., Run]) -> Run:
    """A pretrained model beside two newer runs."""
    run = finished_run()
    save_model(run, seed=2)
    directory = paths.pretrained_root() / "small"
    shutil.move(run.directory, directory)
    for recipe in ("cnn_classic", "cnn_classic_wide"):
        save_model(finished_run(recipe), seed=0)
    return Run(directory)


def turn_to(page: AppTest, name: str) -> AppTest:
    """Opens another page as the navigation does, which empties the address."""
    page.query_params.clear()
    return rerun(page.switch_page(f"pages/{name}.py"))


def test_the_pretrained_model_is_preselected_until_the_user_chooses(
    pretrained: Run, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("predict")
    assert page.selectbox[0].value == pretrained.id
    newest = runs.list_runs()[0]
    assert rerun(page).selectbox[0].value == pretrained.id
    page.selectbox[0].set_value(newest.id)
    assert rerun(page).selectbox[0].value == newest.id
    turn_to(page, "home")
    assert turn_to(page, "predict").selectbox[0].value == newest.id


def test_a_run_that_another_page_preselects_is_not_chosen_here(
    pretrained: Run, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("evaluate")
    newest, older, _ = runs.list_runs()
    assert page.selectbox[0].value == newest.id
    assert turn_to(page, "predict").selectbox[0].value == pretrained.id
    turn_to(page, "evaluate").selectbox[0].set_value(older.id)
    rerun(page)
    assert turn_to(page, "predict").selectbox[0].value == older.id


def test_a_run_that_a_link_names_is_remembered(
    pretrained: Run, open_page: Callable[..., AppTest]
) -> None:
    newest = runs.list_runs()[0]
    page = open_page("predict", run=newest.id)
    assert page.selectbox[0].value == newest.id
    turn_to(page, "home")
    assert turn_to(page, "predict").selectbox[0].value == newest.id


def test_a_groups_smaller_faces_are_found_on_request(page: AppTest, photos_dir: Path) -> None:
    upload(page, ("solvay.jpg", (photos_dir / "solvay.jpg").read_bytes()))
    assert len(table(page)) >= 28
    page.number_input[0].set_value(12)
    rerun(page)
    assert len(table(page)) == 29


def test_a_zip_archive_is_read_and_bad_members_get_an_error(page: AppTest) -> None:
    folder = io.BytesIO()
    with zipfile.ZipFile(folder, "w") as archive:
        archive.writestr("beach/good.png", file_of(ASTRONAUT))
        archive.writestr("paper.jpg", b"%PDF-1.7 and so on")
        archive.writestr("../evil.png", file_of(ASTRONAUT))
    upload(page, ("holiday.zip", folder.getvalue()), ("half.zip", folder.getvalue()[:99]))
    assert [row["image"] for row in table(page)] == ["holiday.zip/beach/good.png"]
    elsewhere, half, paper = [error.value for error in page.error]
    assert "a path outside the archive: ../evil.png" in elsewhere
    assert half.startswith("half.zip: The archive must be a complete .zip file.")
    assert paper.startswith("holiday.zip/paper.jpg cannot be read as an image")


def test_many_files_that_cannot_be_read_are_folded(page: AppTest) -> None:
    upload(page, *[(f"{number}.jpg", b"") for number in range(8)])
    assert len(page.error) == 5
    assert page.expander[0].label == "3 more could not be read"
    assert "7.jpg cannot be read" in page.expander[0].markdown[0].value


def tiles(page: AppTest) -> list[dict]:
    """What the gallery shows."""
    (gallery,) = page.get("bidi_component")
    return json.loads(gallery.proto.json)["tiles"]


def test_a_pressed_picture_of_the_gallery_is_shown_large(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(page, ("wall.png", file_of(EMPTY)), ("astronaut.png", file_of(ASTRONAUT)))
    sharpen(page, 0.0)
    labels = [tile["label"] for tile in tiles(page)]
    assert labels == ["no face · wall.png", f"{table(page)[1]['expression']} · astronaut.png"]
    assert page.subheader[1].value == "wall.png"
    monkeypatch.setattr(results, "gallery", lambda tiles, **settings: 1)
    rerun(page)
    assert page.subheader[1].value == "astronaut.png"
    monkeypatch.setattr(results, "gallery", lambda tiles, **settings: None)
    assert rerun(page).subheader[1].value == "astronaut.png"


def test_many_pictures_are_shown_by_the_page(page: AppTest) -> None:
    upload(page, *[(f"{number}.png", file_of(EMPTY)) for number in range(14)])
    assert page.subheader[0].value == "14 photos, 0 faces"
    assert page.get("pagination") and len(tiles(page)) == 12


def test_the_model_its_accuracy_and_its_dataset_are_shown(
    finished_run: Callable[..., Run], open_page: Callable[..., AppTest]
) -> None:
    run = finished_run(opened=True)
    page = open_page("predict", run=run.id)
    assert "Trained on 700 images of drawn" in said(page)
    assert "Test accuracy: 50.0% (41.8% to 58.2%, 140 images)" in said(page)


def test_the_accuracy_on_a_sealed_test_split_is_not_shown(page: AppTest) -> None:
    assert "Validation accuracy: 60.0%" in said(page)
    assert "Its test split is sealed." in said(page)


def test_below_the_threshold_card_and_table_say_not_sure(page: AppTest, run: Run) -> None:
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    sharpen(page, 0.0)
    (row,) = table(page)
    assert row["answer"] == row["expression"]
    assert (
        "The model answers all of the 140 validation faces; **60.0%** of these answers are correct"
        in said(page)
    )
    # So many are right from no confidence on that enough answers have.
    sharpen(page, 0.95)
    (unsure,) = table(page)
    assert unsure["answer"] == "not sure" and unsure["expression"] == row["expression"]
    words = f"**1 · not sure**  \n{row['expression']} "
    assert any(words in text.value for text in page.markdown)


def test_the_threshold_is_chosen_on_validation(page: AppTest, run: Run) -> None:
    # Of 90 sure answers 80 are right, of 50 others 20.
    right = np.repeat([True, False, True, False], [80, 10, 20, 30])
    confidence = np.repeat([0.9, 0.5], [90, 50])
    answers = pd.DataFrame(
        {"path": "a.png", "row": "", "expression": np.where(right, "sad", "fear")}
    )
    shares = dict.fromkeys(EXPRESSIONS, (1 - confidence) / 6) | {"sad": confidence}
    answers = answers.assign(**{f"p_{name}": values for name, values in shares.items()})
    runs.save_predictions(run, "val", answers)
    assert (
        "Below a probability of 90% the model says “not sure”. It answers **64.3%** of the 140 "
        "validation faces; **88.9%** of these answers are correct (80.7% to 93.9%)."
    ) in said(rerun(page))
    assert "It answers **100.0%** of the 140 validation faces; **71.4%**" in said(
        sharpen(page, 0.7)
    )


def test_a_run_without_validation_always_answers(page: AppTest, run: Run) -> None:
    run.predictions_file("val").unlink()
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    assert "the model always answers" in said(page)
    assert page.select_slider(key="min-accuracy").disabled
    assert table(page)[0]["answer"] in EXPRESSIONS


def test_tta_changes_the_prediction_and_a_borrowed_threshold_is_explained(page: AppTest) -> None:
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    before = table(page)[0]
    page.toggle(key="tta").set_value(True)
    rerun(page)
    assert table(page)[0]["p_happy"] != before["p_happy"]
    assert "has no validation predictions with test-time augmentation" in said(page)


def test_a_margin_changes_the_crop_and_the_answer(page: AppTest) -> None:
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    before, words = table(page)[0], said(page)
    assert "48×48 pixels, gray, from a " in words
    page.slider(key="crop-margin").set_value(60)
    rerun(page)
    after = table(page)[0]
    assert after["p_happy"] != before["p_happy"] and after["width"] == before["width"]
    side, wider = (int(re.search(r"from a (\d+)×", text)[1]) for text in (words, said(page)))
    assert wider == pytest.approx(1.6 * side, abs=1)


def test_a_dark_face_is_reported_as_unlike_the_training_images(page: AppTest, run: Run) -> None:
    faces = np.random.default_rng(0).integers(90, 250, (200, 48, 48, 1), dtype=np.uint8)
    runs.save_image_stats(run, compute_image_stats(faces))
    upload(page, ("dark.png", file_of(ASTRONAUT.point(lambda value: value // 5))))
    assert "Brightness: darker than over 99 % of the training images" in said(page)
    assert "the prediction is less reliable" in said(page)


def test_without_training_statistics_the_page_explains_why_it_cannot_compare(page: AppTest) -> None:
    upload(page, ("astronaut.png", file_of(ASTRONAUT)))
    assert "No comparison with the training images." in page.info[0].value
    assert "has no statistics of its training images" in page.info[0].value


def test_the_face_of_the_model_input_can_be_chosen(page: AppTest) -> None:
    crowd = Image.fromarray(np.tile(data.astronaut(), (1, 3, 1)))
    upload(page, ("crowd.png", file_of(crowd)))
    assert "Model input of face 1" in pictures(page)
    page.selectbox[1].set_value(3)
    assert "Model input of face 3" in pictures(rerun(page))


def test_few_photos_are_decoded_at_once_whatever_the_number_of_sessions(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, leave = Semaphore(0), Event()

    def wait(photo: Photo, search: FaceSearch) -> None:
        inside.release()
        leave.wait(120)
        raise FerError("no photo")

    monkeypatch.setattr(photo_cache, "find_faces", wait)
    request = photo_cache.inference_request(run, FaceSearch(), tta=False, margin=0.0)
    photos = [Photo(f"{number}", f"{number}", bytes) for number in range(6)]
    with ThreadPoolExecutor(6) as sessions:
        done = [sessions.submit(photo_cache.recognize, photo, request) for photo in photos]
        assert inside.acquire(timeout=120) and inside.acquire(timeout=120)
        assert not photo_cache.LARGE_PHOTOS.acquire(blocking=False)
        leave.set()
    assert all(isinstance(each.exception(), FerError) for each in done)
