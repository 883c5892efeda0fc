"""Writes OpenVINO, by way of ONNX: without TensorFlow."""

import tempfile
from pathlib import Path

from fer_core.model_io.format import Format, Source
from fer_core.model_io.onnx_format import write_onnx


def write_openvino(source: Source, path: Path) -> None:
    """Writes an .xml file, and the weights beside it as .bin.

    Raises:
        FerError: as `write_onnx`.
    """
    import openvino

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        onnx_file = Path(folder) / "model.onnx"
        write_onnx(source, onnx_file)
        openvino.save_model(openvino.convert_model(onnx_file), path, compress_to_fp16=False)


OPENVINO = Format(
    name="openvino",
    label="OpenVINO",
    file="model.xml",
    package="openvino",
    module="openvino",
    write=write_openvino,
    # Some CPUs would compute in half precision.
    code="""from pathlib import Path

import openvino

precision = {"INFERENCE_PRECISION_HINT": "f32"}
model = openvino.Core().compile_model("model.xml", "CPU", precision)
usage = json.loads(Path("usage.json").read_text())


def predict(pixels):
    return model({"pixels": pixels})["probabilities"]
""",
)
