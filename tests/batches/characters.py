"""Clips of three drawn characters whose expressions are known, for a model of brightness."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fer_core.datasets.synthetic.face_drawing import SIZE, FaceStyle, Features, draw_face
from fer_core.runs.config import TrainConfig
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage.files import write_json
from fer_core.vision.images import resize
from tests.inference.synthetic_video import write_film
from tests.inference.test_recognition import brightness_model

NAMES = ("sad", "happy")
RATE = 10  # frames a second
# Chosen so that the detector finds the faces in every frame (confidence above 0.99).
_SMILES = {"sad": -0.1, "happy": 0.12}
# What the model of brightness takes for sad and happy.
_LIGHT = {"sad": 0.25, "happy": 1.0}
STYLES = tuple(
    FaceStyle(
        yaw=0.0,
        pitch=0.0,
        roll=0.0,
        scale=0.44,
        center=(0.5, 0.52),
        head_width=width,
        gaze=(0.0, 0.0),
        line=0.065,
        hair_style=2,
        glasses=False,
        skin=(228, 190, 160),
        hair=(38, 30, 28),
        iris=iris,
        background=(206, 221, 230),
        light=(0.0, 0.0),
        noise=0.0,
    )
    for width, iris in ((0.77, (86, 58, 38)), (0.8, (70, 110, 150)), (0.82, (80, 120, 80)))
)
_HEIGHT, _WIDTH, _SIDE = 180, 240, 100  # pixels


def brightness_run() -> Run:
    """Returns a run whose model takes bright faces for happy, and dark ones for sad."""
    from fer_core.models import architectures as models

    run = create_run(TrainConfig(recipe="cnn_classic", dataset="tiny"))
    write_json(run.directory / "dataset.json", {"class_names": NAMES, "counts": {}})
    model = brightness_model()
    # Half and half at a brightness of 0.3: these faces have 0.13 and 0.5.
    model.layers[-1].set_weights([np.array([[-8.0, 8.0]]), np.array([2.4, -2.4])])
    models.save_model(model, run.directory / "model.keras")
    return run


def write_clip(path: Path, person: int, expressions: Sequence[str]) -> Path:
    """Writes a video with a frame for each expression: "sad", "happy", or "" for nobody."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [frame(person, expression) for expression in expressions]
    return write_film(path, frames, [number / RATE for number in range(len(frames))])


def frame(person: int, expression: str) -> np.ndarray:
    """Returns a picture of a character, of three, with an expression; uint8 RGB."""
    # A wall whose pattern stays when somebody comes or the light changes: there is no cut.
    wall = np.linspace(10, 245, _WIDTH)[None, :, None]
    image = np.broadcast_to(wall, (_HEIGHT, _WIDTH, 3)).astype(np.uint8)
    if expression:
        image[40 : 40 + _SIDE, 70 : 70 + _SIDE] = _face(person, expression)
    return (image * _LIGHT.get(expression, 1.0)).astype(np.uint8)


@functools.cache
def _face(person: int, expression: str) -> np.ndarray:
    style = STYLES[person]
    features = Features(smile=_SMILES[expression])
    return resize(draw_face(features, style, np.zeros((SIZE, SIZE))), _SIDE, _SIDE)
