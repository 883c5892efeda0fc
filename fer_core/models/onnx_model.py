"""Loads saved models for prediction by onnxruntime, which needs no TensorFlow."""

import logging
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from fer_core.errors import FerError
from fer_core.models.blueprint import open_blueprint
from fer_core.models.foreign import FORMATS, load_foreign
from fer_core.models.onnx_export import (
    FEATURES,
    PROBABILITIES,
    UnsupportedModelError,
    export_onnx,
)
from fer_core.models.parity import TOLERANCE, largest_difference
from fer_core.models.prediction import Model
from fer_core.onnx_graphs import Session
from fer_core.runs import TrainConfig

_LOG = logging.getLogger(__name__)
_REASONS: WeakKeyDictionary[Model, str] = WeakKeyDictionary()  # of models that Keras runs


class OnnxModel:
    """Runs a graph of `export_onnx` in onnxruntime. Thread-safe.

    It predicts as a Keras model does; see `prediction.Model`.
    """

    def __init__(self, graph: bytes, name: str) -> None:
        self.name = name
        self._session = Session(graph)
        classes = self._session.output_shapes[PROBABILITIES][1:]
        self.input_shape: tuple[Any, ...] = (None, *self._session.input_shape[1:])
        self.output_shape: tuple[Any, ...] = (None, *classes)

    def predict_on_batch(self, x: np.ndarray, /) -> np.ndarray:
        """Returns probabilities (n, classes) of pixels (n, height, width, channels), float32."""
        return self._session.run(x, PROBABILITIES)

    def features_on_batch(self, x: np.ndarray, /) -> np.ndarray:
        """Returns the features (n, …) from which the last layer computes the probabilities."""
        return self._session.run(x, FEATURES)


def load_for_prediction(
    path: Path, config: TrainConfig | None = None, classes: int | None = None
) -> Model:
    """Loads a run's model: an `OnnxModel`, or with Keras where it has no graph.

    Also with Keras where onnxruntime does not give the answers that were saved with the model. The
    file may come from anywhere; it passes the same checks as in `load_model`. Imported .onnx and
    .tflite files are run as they are; see `foreign.load_foreign`.

    Args:
        config: of the run; the model must take images of its size.
        classes: that the model must tell apart.

    Raises:
        DamagedFileError: the file is damaged, holds another model, or none.
    """
    if path.suffix in FORMATS:
        return load_foreign(path, config, classes)
    reason = ""
    with open_blueprint(path, config, classes) as (blueprint, arrays):
        try:
            graph = export_onnx(blueprint, arrays)
        except UnsupportedModelError as error:
            reason = str(error)
    if not reason:
        model = OnnxModel(graph, blueprint.name)
        reason = _parity_problem(model, blueprint.answers)
        if not reason:
            return model
    _LOG.warning("TensorFlow predicts with %s, which takes longer: %s.", path, reason)
    from fer_core.models.architectures import load_model

    loaded = load_model(path, config, classes)
    _REASONS[loaded] = reason
    return loaded


def reason_for_keras(model: Model) -> str:
    """Returns why `load_for_prediction` loaded a model with Keras; an empty text if it did not."""
    return _REASONS.get(model, "")


def _parity_problem(model: OnnxModel, answers: np.ndarray | None) -> str:
    """Returns why a graph must not be used: it does not answer as Keras did. Else an empty text."""
    difference = 0.0 if answers is None else largest_difference(model, answers)
    if difference <= TOLERANCE:
        return ""
    return f"onnxruntime differs by {difference:.2g} from the probabilities saved with the model"


def to_onnx(path: Path, config: TrainConfig | None = None, classes: int | None = None) -> bytes:
    """Returns a run's model as the bytes of an .onnx file; see `export_onnx`.

    The graph has the input `pixels` and the output `probabilities` alone.

    Args:
        config: of the run; the model must take images of its size.
        classes: that the model must tell apart.

    Raises:
        DamagedFileError: the file is damaged, holds another model, or none.
        FerError: a layer has no equivalent here.
    """
    if path.suffix == ".onnx":  # it was imported as it is
        load_foreign(path, config, classes)
        return path.read_bytes()
    with open_blueprint(path, config, classes) as (blueprint, arrays):
        try:
            return export_onnx(blueprint, arrays, with_features=False)
        except UnsupportedModelError as error:
            reason = str(error)
    raise FerError(
        f"Every layer of a model must have an equivalent in ONNX here. Received: {reason}. "
        "Export it in another format."
    )
