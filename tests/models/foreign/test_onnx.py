"""ONNX files of other programs are checked, and edited to take our pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from fer_core.errors import FerError
from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import Files
from fer_core.model_io.importing.onnx_reader import read_onnx
from fer_core.model_io.importing.scalings import preparation_of
from fer_core.models.foreign import OnnxFile
from tests.models.foreign.onnx_files import CLASSES, HOSTILE, network

NAMES = tuple(f"class {number}" for number in range(CLASSES))
FACES = 3


@pytest.mark.parametrize(
    ("settings", "scaling", "color"),
    [
        ({}, "0..1", "gray"),
        ({"softmax": True, "channels": 3}, "imagenet-mean", "BGR"),
        ({"channels_first": False, "channels": 3}, "imagenet-standardized", "RGB"),
        ({"batch": 1, "fixed_reshape": True}, "-1..1", "gray"),
        ({"opset": 7, "weights_are_inputs": True}, "standardized", "gray"),
        ({"opset": 20}, "standardized", "gray"),
        ({"dtype": TensorProto.FLOAT16}, "inverted", "gray"),
        ({"dtype": TensorProto.UINT8}, "0..255", "gray"),
    ],
)
def test_an_imported_model_answers_as_the_original(
    tmp_path: Path, settings: dict[str, Any], scaling: str, color: str
) -> None:
    original = network(**settings).SerializeToString()
    (tmp_path / "original.onnx").write_bytes(original)
    choices = ImportChoices(NAMES, scaling, color)
    found = read_onnx(Files(tmp_path / "original.onnx"), choices, tmp_path)
    assert found.input_shape == (24, 24, settings.get("channels", 1))
    assert found.classes == CLASSES

    pixels = np.random.default_rng(1).integers(0, 256, (FACES, *found.input_shape), np.uint8)
    session = onnxruntime.InferenceSession(original, providers=["CPUExecutionProvider"])
    images = preparation_of(choices).apply(pixels)
    if settings.get("channels_first", True):
        images = images.transpose(0, 3, 1, 2)
    dtype = {"tensor(float16)": "float16", "tensor(uint8)": "uint8"}
    images = images.astype(dtype.get(session.get_inputs()[0].type, "float32"))
    answers = np.concatenate([session.run(None, {"image": each[None]})[0] for each in images])
    if not settings.get("softmax"):
        answers = np.exp(answers.astype("float64"))
        answers /= answers.sum(axis=1, keepdims=True)

    imported = OnnxFile((tmp_path / "model.onnx").read_bytes(), "model")
    got = imported.predict_on_batch(pixels.astype("float32"))
    assert got.shape == (FACES, CLASSES)
    np.testing.assert_allclose(got, answers, atol=1e-5 if dtype == "float32" else 2e-3)


def test_a_model_of_bytes_takes_no_other_values(tmp_path: Path) -> None:
    file = tmp_path / "bytes.onnx"
    file.write_bytes(network(dtype=TensorProto.UINT8).SerializeToString())
    with pytest.raises(FerError):
        read_onnx(Files(file), ImportChoices(NAMES, "0..1", "gray"), tmp_path)
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_before_it_is_run(tmp_path: Path, name: str) -> None:
    file = tmp_path / "hostile.onnx"
    file.write_bytes(HOSTILE[name]())
    with pytest.raises(FerError):
        read_onnx(Files(file), None, tmp_path)
