"""Ten views of a face, and their mean."""

import keras
import numpy as np

from fer_core.models.prediction import predict
from fer_core.models.tta import CROPS, predict_tta, tta_crops

FACES = np.random.default_rng(0).integers(0, 256, (3, 48, 40, 1)).astype("uint8")


def test_the_ten_views_are_five_shifts_and_their_mirrors() -> None:
    views = list(tta_crops(FACES))
    assert len(views) == CROPS == 10
    assert all(view.shape == FACES.shape and view.dtype == np.uint8 for view in views)
    assert np.array_equal(views[0], FACES)
    for one, mirrored in zip(views[::2], views[1::2], strict=True):
        assert np.array_equal(one, mirrored[:, :, ::-1])
    assert len({view.tobytes() for view in views}) == 10
    # The second place: two rows and columns towards the lower right, the edge repeated.
    assert np.array_equal(views[2][:, 2:, 2:], FACES[:, :-2, :-2])
    assert np.array_equal(views[2][:, 0, 2:], FACES[:, 0, :-2])


def test_the_prediction_is_the_mean_over_the_views() -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input(FACES.shape[1:])
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(4, "softmax")(flat))
    expected = np.mean([predict(model, view) for view in tta_crops(FACES)], axis=0)
    answers = predict_tta(model, FACES)
    assert answers.dtype == np.float32
    assert np.allclose(answers, expected, atol=1e-6)
    assert not np.allclose(answers, predict(model, FACES), atol=1e-3)
    assert predict_tta(model, FACES[:0]).shape == (0, 4)
