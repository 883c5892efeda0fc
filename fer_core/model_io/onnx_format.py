"""Writes ONNX, from the model's file alone: without TensorFlow."""

import json
from dataclasses import asdict
from pathlib import Path

from fer_core import models
from fer_core.model_io.format import Format, Source


def write_onnx(source: Source, path: Path) -> None:
    """Writes an .onnx file whose metadata hold the usage, each entry as JSON.

    Raises:
        FerError: the model's file is damaged, or a layer has no equivalent.
    """
    import onnx

    classes = len(source.usage.class_names)
    model = onnx.load_from_string(models.to_onnx(source.model_file, source.config, classes))
    entries = asdict(source.usage).items()
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in entries})
    path.write_bytes(model.SerializeToString())


ONNX = Format(
    name="onnx",
    label="ONNX",
    file="model.onnx",
    package="onnxruntime",
    module="onnxruntime",
    write=write_onnx,
    takes_onnx=True,
    code="""import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
entries = session.get_modelmeta().custom_metadata_map
usage = {name: json.loads(value) for name, value in entries.items()}


def predict(pixels):
    return session.run(["probabilities"], {"pixels": pixels})[0]
""",
)
