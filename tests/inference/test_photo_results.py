"""Answers to take away: a table, JSON, and a .zip of annotated pictures."""

import io
import json
import zipfile

import numpy as np

from fer_core.inference.photo_results import (
    PhotoResult,
    PhotoSettings,
    results_json,
    results_table,
    zip_annotated,
)
from fer_core.inference.recognition import Recognition
from fer_core.vision import images
from fer_core.vision.detection import Face, Landmarks
from fer_core.vision.images import Box

NAMES = ("sad", "happy")
FACE = Face(Box(10, 20, 30, 40), Landmarks((1, 2), (3, 2), (2, 3), (1, 4), (3, 4)), 0.97)
SETTINGS = PhotoSettings(0.9, margin=0.1)
SURE, UNSURE = (Recognition(FACE, {"sad": p, "happy": 1 - p}) for p in (0.9, 0.6))
FOUND = {
    "a.jpg": PhotoResult((SURE, UNSURE), 100, 200, 20, 12.34),
    "f.zip/wall.png": PhotoResult((), 50, 60, 20, 3.0),
}


def test_the_table_has_the_time_of_each_faces_picture() -> None:
    table = results_table(FOUND, NAMES, 0.8)
    assert table["milliseconds"].tolist() == [12.3, 12.3, 3.0]
    assert table["answer"].tolist() == ["sad", "not sure", "no face"]
    assert results_table({}, NAMES, 0.8).columns.tolist() == table.columns.tolist()


def test_the_json_names_the_network_and_pictures_without_a_face_too() -> None:
    text = results_json(FOUND, ["b.jpg is empty."], {"name": "Tiny"}, SETTINGS, 0.8)
    record = json.loads(text)
    assert record["model"] == {"name": "Tiny"} and record["errors"] == ["b.jpg is empty."]
    settings = record["settings"]
    assert (settings["crop_margin"], settings["threshold"]) == (0.1, 0.8)
    assert [one["image"] for one in record["images"]] == ["a.jpg", "f.zip/wall.png"]
    assert record["images"][1]["faces"] == []
    assert record["images"][0]["faces"][1] == {
        "face": 2,
        "box": {"x": 10, "y": 20, "width": 30, "height": 40},
        "confidence": 0.97,
        "detection": "detected",
        "blurred": False,
        "pose": {"yaw": 0.0, "pitch": 10.5, "roll": 0.0},
        "probabilities": {"sad": 0.6, "happy": 0.4},
        "expression": "sad",
        "answer": "not sure",
    }


def test_a_whole_picture_has_no_confidence_of_the_detector_in_the_json() -> None:
    whole = Recognition(Face.whole(np.zeros((48, 40, 3), np.uint8)), {"sad": 0.9, "happy": 0.1})
    found = {"crop.png": PhotoResult((whole,), 48, 40, 20, 1.0)}
    (face,) = json.loads(results_json(found, [], {}, SETTINGS, 0.8))["images"][0]["faces"]
    assert (face["confidence"], face["detection"], face["answer"]) == (None, "whole picture", "sad")
    assert face["box"] == {"x": 0, "y": 0, "width": 40, "height": 48}
    assert face["pose"] is None


def test_annotated_pictures_keep_their_folders_and_names_that_every_system_can_write() -> None:
    image = np.full((100, 200, 3), 255, np.uint8)
    names = ["a.jpg", "a.png", "f.zip/../../x:y.jpg", "/etc/b.gif", "...", "f.zip/sub/c.d.jpg"]
    packed = zip_annotated([(name, image, FOUND["a.jpg"]) for name in names], NAMES, 0.8)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == [
            "a.jpg",
            "a (2).jpg",
            "f.zip/x_y.jpg",
            "etc/b.jpg",
            "....jpg",
            "f.zip/sub/c.d.jpg",
        ]
        drawn = images.decode(archive.read("a.jpg"))
    assert drawn.shape == (320, 640, 3)  # as `draw_boxes` has it
    assert drawn.min() < 100 and drawn[-1, -1].tolist() == [255, 255, 255]


def test_nothing_recognised_makes_an_empty_archive() -> None:
    with zipfile.ZipFile(io.BytesIO(zip_annotated([], NAMES, 0.0))) as archive:
        assert archive.namelist() == []
