"""Writes LiteRT, formerly TensorFlow Lite, in three precisions."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fer_core.model_io.format import FLOAT16, FLOAT32, INT8, Format, Gate, Source
from fer_core.model_io.keras_formats import append_usage, write_saved_model

_CODE = """import zipfile

from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter("model.tflite")  # not to be shared by threads
runner = interpreter.get_signature_runner("serving_default")
usage = json.loads(zipfile.ZipFile("model.tflite").read("usage.json"))


def predict(pixels):
    return runner(pixels=pixels)["probabilities"]
"""


def _writer(configure: Callable[[Any], None]) -> Callable[[Source, Path], None]:
    """Returns a function that writes a .tflite file, which ends with a .zip of the usage.

    Args:
        configure: sets the precision of a converter.
    """

    def write(source: Source, path: Path) -> None:
        import tensorflow as tf

        # Keras's own names would be lost on the way from a Keras model.
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            write_saved_model(source, Path(folder) / "model")
            converter = tf.lite.TFLiteConverter.from_saved_model(
                f"{folder}/model", signature_keys=["serving_default"]
            )
            configure(converter)
            path.write_bytes(converter.convert())
        append_usage(source, path)

    return write


def _as_float32(converter: Any) -> None:
    """Leaves the weights as they are."""


def _as_float16(converter: Any) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _as_int8(converter: Any) -> None:
    """Stores the weights in 8 bits; what flows between layers is quantized while it runs."""
    # With ranges calibrated on training faces the pretrained model keeps 97.6 % of its labels on
    # FER2013's PublicTest instead of 99.4 %, and is neither better (71.4 and 71.0 %; 71.2 % in
    # float32) nor faster (1.4 ms a face, both): tests.benchmarks.int8_calibration.
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _format(name: str, precision: str, configure: Callable[[Any], None], gate: Gate) -> Format:
    return Format(
        name=name,
        label=f"LiteRT, {precision}",
        file="model.tflite",
        package="ai-edge-litert",
        module="ai_edge_litert",
        write=_writer(configure),
        code=_CODE,
        gate=gate,
        is_quantized=configure is not _as_float32,
    )


LITERT = _format("litert", "float32", _as_float32, FLOAT32)
LITERT_FLOAT16 = _format("litert-float16", "float16", _as_float16, FLOAT16)
LITERT_INT8 = _format("litert-int8", "int8", _as_int8, INT8)
