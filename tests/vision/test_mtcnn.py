"""The networks of MTCNN in onnxruntime, beside those of the `mtcnn` package in TensorFlow."""

import subprocess
import sys
from pathlib import Path

import mtcnn
import numpy as np
import pytest
import tensorflow as tf
from mtcnn.network.onet import ONet
from mtcnn.network.pnet import PNet
from mtcnn.network.rnet import RNet
from mtcnn.utils.tensorflow import load_weights
from skimage import data

from fer_core.storage import paths
from fer_core.vision.mtcnn import Cascade, _crop, _run, _suppress

ASTRONAUT = data.astronaut()
ASSETS = Path(mtcnn.__file__).parent / "assets" / "weights"


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return Cascade()


def package_network(kind: type, name: str, pixels: np.ndarray) -> list[np.ndarray]:
    """Returns what a network of the package answers to pixels in [0, 255]."""
    network = kind()
    network.build()
    network.set_weights(load_weights(str(ASSETS / f"{name}.lz4")))
    return [each.numpy() for each in network((pixels.astype("float32") - 127.5) / 128)]


def probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("size", [(130, 161), (61, 46)])
def test_the_first_network_proposes_what_the_packages_does(
    cascade: Cascade, size: tuple[int, int]
) -> None:
    sheet = ASTRONAUT[40 : 40 + size[0], 130 : 130 + size[1]][None]
    ours = cascade._first.run(sheet, "boxes")
    offsets, classes = package_network(PNet, "pnet", sheet)
    assert ours[0, :4].transpose(1, 2, 0) == pytest.approx(offsets[0], abs=1e-4)
    assert probability(ours[0, 4]) == pytest.approx(classes[0, ..., 1], abs=1e-4)


def patches(side: int, count: int = 3) -> np.ndarray:
    starts = [(60 + 3 * number % 90, 160 + 7 * number % 90) for number in range(count)]
    return np.stack([ASTRONAUT[y : y + side, x : x + side] for y, x in starts]).astype("float32")


def test_the_second_network_answers_as_the_packages(cascade: Cascade) -> None:
    ours = _run(cascade._second, patches(24, 130))  # more than a batch
    offsets, classes = package_network(RNet, "rnet", patches(24, 130))
    assert ours[:, :4] == pytest.approx(offsets, abs=1e-4)
    assert probability(ours[:, 4]) == pytest.approx(classes[:, 1], abs=1e-4)


def test_the_third_network_answers_as_the_packages(cascade: Cascade) -> None:
    ours = _run(cascade._third, patches(48))
    offsets, landmarks, classes = package_network(ONet, "onet", patches(48))
    assert ours[:, :4] == pytest.approx(offsets, abs=1e-4)
    assert ours[:, 4:14] == pytest.approx(landmarks, abs=1e-4)
    assert probability(ours[:, 14]) == pytest.approx(classes[:, 1], abs=1e-4)


def test_no_patches_have_no_answers(cascade: Cascade) -> None:
    assert _run(cascade._second, np.empty((0, 24, 24, 3), np.float32)).shape == (0, 5)
    assert _run(cascade._third, np.empty((0, 48, 48, 3), np.float32)).shape == (0, 15)


def test_a_box_is_cropped_as_tensorflow_crops_it() -> None:
    pixels = ASTRONAUT[:200, :300].astype("float32")
    boxes = [[10.3, 20.7, 90.1, 111.4], [-20, -5, 30, 45], [250, 150, 340, 240], [5, 5, 9, 9]]
    last = np.array([199, 299, 199, 299], "float32")
    corners = np.array(boxes, "float32")[:, [1, 0, 3, 2]] / last
    expected = tf.image.crop_and_resize(
        pixels[None], corners, np.zeros(len(boxes), int), (24, 24), extrapolation_value=127.5
    )
    assert _crop(pixels, np.array(boxes), 24) == pytest.approx(expected.numpy(), abs=0.05)


@pytest.mark.parametrize("overlap", [0.5, 0.7])
def test_overlapping_boxes_are_suppressed_as_by_tensorflow(overlap: float) -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 100, (200, 2))
    boxes = np.hstack([corners, corners + rng.uniform(10, 60, (200, 2))]).astype("float32")
    scores = rng.uniform(0.5, 5, 200).astype("float32")
    expected = tf.image.non_max_suppression(boxes, scores, 200, overlap).numpy()
    assert 5 < len(expected) < 200
    assert _suppress(boxes, scores, overlap).tolist() == expected.tolist()


def test_recognition_loads_no_tensorflow() -> None:
    program = """
import sys
from skimage import data
import fer_core
(face,) = fer_core.recognize_faces(data.astronaut())
assert face.expression == "happy", face
sys.exit(not {"tensorflow", "keras"}.isdisjoint(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=paths.PROJECT, check=False)
    assert done.returncode == 0
