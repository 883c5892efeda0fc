"""From a picture to expressions, by tiny models that judge brightness."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
from PIL import ImageColor
from skimage import data

from fer_core.evaluation.abstention import COLOR
from fer_core.evaluation.calibration import ALWAYS_ABSTAIN, apply_temperature, save_calibration
from fer_core.expressions import COLORS
from fer_core.inference import recognition
from fer_core.inference.recognition import (
    Classifier,
    FaceBatch,
    Recognition,
    annotate,
    recognitions_table,
    recognize,
    recognize_faces,
)
from fer_core.models import architectures as models
from fer_core.models.tta import predict_tta
from fer_core.runs import submit as submission
from fer_core.runs.config import TrainConfig
from fer_core.runs.run import Run
from fer_core.runs.writers import image_stats_file, save_image_stats, save_predictions
from fer_core.storage.files import write_json
from fer_core.vision.detection import Face, FaceDetector, Landmarks
from fer_core.vision.image_stats import compute_image_stats
from fer_core.vision.images import Box, face_pixels, resize

ASTRONAUT = data.astronaut()
FACE = Face(Box(1, 2, 3, 4), Landmarks((1, 2), (3, 2), (2, 3), (1, 4), (3, 4)), 0.97)


def brightness_model(image_size: tuple[int, int] = (48, 48), channels: int = 1) -> keras.Model:
    """The brighter a face, the likelier its second class; half and half at mid-gray."""
    inputs = keras.Input((*image_size, channels))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(inputs))
    outputs = keras.layers.Dense(2, activation="softmax")(mean)
    model = keras.Model(inputs, outputs)
    model.layers[-1].set_weights([np.array([[-4.0, 4.0]] * channels) / channels, np.array([2, -2])])
    return model


def save_run(
    model: keras.Model,
    class_names: tuple[str, ...] = ("sad", "happy"),
    *,
    selected: tuple[str, ...] = (),
    overlay: bool = False,
) -> Run:
    """Saves a run of the model; `selected` and `overlay` are its settings."""
    config = TrainConfig(recipe="cnn_classic", dataset="tiny", class_names=selected)
    run = submission.create_run(replace(config, overlay=overlay))
    write_json(run.directory / "dataset.json", {"class_names": class_names, "counts": {}})
    models.save_model(model, run.directory / "model.keras")
    return run


def flat(value: int, side: int = 60) -> np.ndarray:
    return np.full((side, side + 5, 3), value, np.uint8)


def test_a_runs_classifier_tells_probabilities_in_its_label_order() -> None:
    classifier = Classifier.load(save_run(brightness_model()))
    probabilities = classifier.predict([flat(0), flat(255), flat(127, side=13)])
    assert classifier.class_names == ("sad", "happy")
    assert probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx([1, 1, 1])
    assert probabilities[:, 1] == pytest.approx([0.018, 0.982, 0.5], abs=0.01)


@pytest.mark.parametrize("channels", [1, 3])
def test_recognition_sees_what_training_saw(channels: int) -> None:
    classifier = Classifier(brightness_model((32, 40), channels), ("sad", "happy"))
    crops = [resize(ASTRONAUT, side, side + 7) for side in (20, 40, 333)]
    training = np.array([face_pixels(crop, (32, 40), channels) for crop in crops])
    assert (classifier.pixels(crops[0]) == training[0]).all()
    assert (classifier.predict(crops) == classifier.predict_pixels(training)).all()


def test_the_size_of_a_batch_does_not_change_the_answer() -> None:
    classifier = Classifier(brightness_model(), ("sad", "happy"))
    pixels = np.random.default_rng(0).integers(0, 256, (11, 48, 48, 1), dtype=np.uint8)
    whole = classifier.predict_pixels(pixels)
    assert whole.shape == (11, 2)
    parts = [classifier.predict_pixels(pixels[:4]), classifier.predict_pixels(pixels[4:])]
    assert np.concatenate(parts) == pytest.approx(whole, abs=1e-6)


def test_nothing_to_recognise_gives_no_rows() -> None:
    assert Classifier(brightness_model(), ("sad", "happy")).predict([]).shape == (0, 2)


def test_threads_may_share_a_classifier() -> None:
    classifier = Classifier(brightness_model(), ("sad", "happy"))
    batches = [[flat(value)] * (1 + value % 3) for value in range(0, 250, 10)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(classifier.predict, batches))
    for answer, batch in zip(together, batches, strict=True):
        assert answer == pytest.approx(classifier.predict(batch), abs=1e-6)


def test_a_run_without_a_model_is_refused() -> None:
    run = submission.create_run(TrainConfig(recipe="cnn_classic", dataset="tiny"))
    with pytest.raises(ValueError, match="must finish an epoch"):
        Classifier.load(run)


def test_a_damaged_model_is_refused() -> None:
    run = save_run(brightness_model())
    (run.directory / "model.keras").write_bytes(b"half a file")
    with pytest.raises(ValueError, match=r"model\.keras"):
        Classifier.load(run)


def test_class_names_that_do_not_fit_the_model_are_refused() -> None:
    with pytest.raises(ValueError, match="must name the model's 2 classes. Received: sad"):
        Classifier(brightness_model(), ("sad",))


def test_every_face_of_a_picture_gets_an_expression() -> None:
    dark = np.hstack([ASTRONAUT // 3, ASTRONAUT])
    found = recognize(dark, FaceDetector(), Classifier(brightness_model(), ("sad", "happy")))
    assert [recognition.expression for recognition in found] == ["sad", "happy"]
    assert found[0].face.box.x < 512 < found[1].face.box.x
    assert sum(found[0].probabilities.values()) == pytest.approx(1)
    assert type(found[0].probability) is float


def test_a_picture_without_faces_has_no_recognitions() -> None:
    classifier = Classifier(brightness_model(), ("sad", "happy"))
    assert recognize(flat(90), FaceDetector(), classifier) == []


def test_a_margin_widens_what_the_classifier_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    margins = []
    crop_face = recognition.crop_face
    monkeypatch.setattr(
        recognition,
        "crop_face",
        lambda image, box, margin, *a: margins.append(margin) or crop_face(image, box, margin, *a),
    )
    detector, classifier = FaceDetector(), Classifier(brightness_model(), ("sad", "happy"))
    recognize(ASTRONAUT, detector, classifier)
    recognize(ASTRONAUT, detector, classifier, margin=0.4)
    assert margins == [recognition.MARGIN, 0.4]


def test_faces_of_several_images_get_the_answers_that_they_get_alone() -> None:
    classifier = Classifier(brightness_model(), ("sad", "happy"))
    images = [flat(value) for value in (0, 90, 255)]
    faces: list[list[Face]] = [[FACE], [], [FACE, FACE]]
    batch = FaceBatch(classifier)
    for image, its in zip(images, faces, strict=True):
        batch.add(image, its)
    assert len(batch) == 3
    together = batch.recognize()
    assert [len(its) for its in together] == [1, 0, 2]
    for image, its, found in zip(images, faces, together, strict=True):
        alone = recognize_faces(image, its, classifier)
        for one, other in zip(found, alone, strict=True):
            assert one.face is other.face
            assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
    assert together[0][0].expression == "sad" and together[2][1].expression == "happy"
    assert len(batch) == 0 and batch.recognize() == []


@pytest.mark.parametrize("degrees", [-30, -15, 15, 30])
def test_a_face_that_leans_is_turned_upright(degrees: int) -> None:
    height, width = ASTRONAUT.shape[:2]
    (upright,) = FaceDetector().detect(ASTRONAUT)
    x, y = upright.box.x + upright.box.width / 2, upright.box.y + upright.box.height / 2
    matrix = cv2.getRotationMatrix2D((x, y), -degrees, 1)  # OpenCV's angles go the other way
    leaning = cv2.warpAffine(ASTRONAUT, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    (face,) = FaceDetector().detect(leaning)
    assert face.tilt == pytest.approx(upright.tilt + degrees, abs=6)
    crop = face_pixels(recognition.crop_upright(leaning, face), (48, 48), 1)
    straight = face_pixels(recognition.crop_upright(ASTRONAUT, upright), (48, 48), 1)
    as_it_is = face_pixels(recognition.crop_face(leaning, face.box), (48, 48), 1)
    assert likeness(crop, straight) > likeness(as_it_is, straight) + 0.1


def test_a_face_that_hardly_leans_is_cut_out_as_it_is() -> None:
    level = Face(Box(10, 20, 30, 40), Landmarks((20, 30), (40, 33), (0, 0), (0, 0), (0, 0)), 1)
    assert 8 < level.tilt < recognition.MAX_UPRIGHT_TILT
    expected = recognition.crop_face(ASTRONAUT, level.box)
    assert (recognition.crop_upright(ASTRONAUT, level) == expected).all()


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two pictures' pixels."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_the_table_has_a_row_per_face_of_all_pictures() -> None:
    sad = Recognition(FACE, {"sad": 0.7, "happy": 0.3})
    happy = Recognition(FACE, {"sad": 0.2, "happy": 0.8})
    table = recognitions_table(
        {"a.jpg": [sad, happy], "b.jpg": [], "c.jpg": [sad]}, ("sad", "happy"), threshold=0.75
    )
    assert table.to_csv(index=False).splitlines() == [
        "image,face,x,y,width,height,confidence,detection,blurred,p_sad,p_happy,yaw,pitch,roll,"
        "expression,answer",
        "a.jpg,1,1,2,3,4,0.97,detected,False,0.7,0.3,0.0,10.5,0.0,sad,not sure",
        "a.jpg,2,1,2,3,4,0.97,detected,False,0.2,0.8,0.0,10.5,0.0,happy,happy",
        "b.jpg,,,,,,,,,,,,,,,no face",
        "c.jpg,1,1,2,3,4,0.97,detected,False,0.7,0.3,0.0,10.5,0.0,sad,not sure",
    ]


def test_a_doubtful_face_is_not_sure_unless_every_face_gets_an_answer() -> None:
    doubtful = Recognition(replace(FACE, confidence=0.9), {"sad": 0.99, "happy": 0.01})
    assert (doubtful.detection, doubtful.expression) == ("doubtful", "sad")
    assert [doubtful.answer(threshold) for threshold in (0.0, 0.5)] == ["sad", "not sure"]


def test_a_face_blurrier_than_the_training_images_is_not_sure() -> None:
    run = save_run(brightness_model())
    faces = np.random.default_rng(0).integers(0, 256, (50, 48, 48, 1), dtype=np.uint8)
    save_image_stats(run, compute_image_stats(faces))
    sharp, blurred = faces[0], cv2.GaussianBlur(faces[0], (0, 0), 3)[..., None]
    batch = FaceBatch(Classifier.load(run))
    for picture in (sharp.repeat(3, axis=2), blurred.repeat(3, axis=2)):
        batch.add(picture, [Face.whole(picture)])
    found = [one for (one,) in batch.recognize()]
    assert [one.is_blurred for one in found] == [False, True]
    assert [one.answer(0.01) == "not sure" for one in found] == [False, True]
    assert found[1].answer(0.0) == found[1].expression
    image_stats_file(run).unlink()  # as in a run of an older version
    assert not Classifier.load(run).is_blurred(blurred)


@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_a_whole_picture_is_classified_as_an_image_of_a_dataset(margin: float) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    batch = FaceBatch(Classifier(brightness_model(), ("sad", "happy")), margin)
    (crop,) = batch.add(picture, [Face.whole(picture)])
    assert (crop.pixels == face_pixels(picture, (48, 48), crop.pixels.shape[2])).all()
    ((whole,),) = batch.recognize()
    assert (whole.detection, whole.face.box) == ("whole picture", Box(0, 0, 70, 40))
    assert whole.answer(0.5) == whole.expression  # no detector can doubt it
    table = recognitions_table({"crop.png": [whole]}, ("sad", "happy"))
    assert table[["confidence", "yaw"]].isna().all(axis=None) and table["width"].tolist() == [70]


def test_the_table_of_no_images_has_its_columns() -> None:
    table = recognitions_table({}, ("sad", "happy"))
    assert len(table) == 0
    assert list(table.columns[-7:]) == [
        *("p_sad", "p_happy", "yaw", "pitch", "roll", "expression", "answer")
    ]


def test_an_annotated_face_has_the_colour_of_its_answer() -> None:
    face = Face(Box(20, 40, 40, 40), FACE.landmarks, 0.97)
    unsure = Recognition(face, {"sad": 0.7, "happy": 0.3})
    corners = {
        threshold: tuple(
            annotate(flat(255, 640), [unsure], ("sad", "happy"), threshold=threshold)[79, 20]
        )
        for threshold in (0.0, 0.7, 0.71)
    }
    sad = tuple(ImageColor.getrgb(COLORS["sad"]))
    assert corners == {0.0: sad, 0.7: sad, 0.71: tuple(ImageColor.getrgb(COLOR))}


def test_tta_has_its_own_temperature_and_threshold() -> None:
    run = save_run(brightness_model())
    truths = ["sad"] * 60 + ["happy"] * 40
    for averaged, confidence in ((False, 0.9), (True, 0.8)):
        table = pd.DataFrame({"path": "a.png", "row": "", "expression": truths})
        table = table.assign(p_sad=confidence, p_happy=1 - confidence)
        save_predictions(run, "val", table, tta=averaged)
    save_calibration(run)
    single, averaged = Classifier.load(run), Classifier.load(run, tta=True)
    assert single.temperature == run.calibration().temperature
    assert averaged.temperature == run.calibration(tta=True).temperature
    assert single.temperature > averaged.temperature
    # 60 % are right at the only confidence that there is.
    assert (single.threshold, averaged.threshold) == (ALWAYS_ABSTAIN, ALWAYS_ABSTAIN)
    image = np.tile(np.arange(48, dtype=np.uint8)[:, None, None] * 5, (1, 48, 3))
    expected = predict_tta(averaged.model, averaged.pixels(image)[None])
    answers = averaged.predict([image])
    assert answers == pytest.approx(apply_temperature(expected, averaged.temperature))
    assert not np.allclose(answers, apply_temperature(single.predict([image]), 1.0), atol=1e-3)
