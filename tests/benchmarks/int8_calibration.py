"""Compares ways to write a model with 8-bit integers, on FER2013's PublicTest (FER2013_DIR).

    python -m tests.benchmarks.int8_calibration [--faces 3589] [--calibration 200] [--run ID]

"dynamic" stores 8-bit weights and measures what flows between the layers while it runs;
"calibrated" fixes the ranges of what flows by faces of the training split. Prints a Markdown table:
accuracy with its 95 % interval, the exact McNemar test against the float32 model (faces that only
the model, only the variant got right), labels kept, size, and CPU milliseconds a face on one core.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil

Predict = Callable[[np.ndarray], np.ndarray]
REPEATS, BATCH = 96, 32  # faces timed, and of them at a time


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faces", type=int, default=3589)
    parser.add_argument("--calibration", type=int, default=200)
    parser.add_argument("--run", default="", help="id of a run; default: the pretrained model")
    options = parser.parse_args()
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):  # not on macOS
        process.cpu_affinity([process.cpu_affinity()[-1]])
    from fer_core.evaluation import Accuracy
    from fer_core.model_io.report import count_answers
    from fer_core.runs import list_runs, open_run

    run = open_run(options.run) if options.run else list_runs()[-1]
    calibration, _ = fer2013("Training", options.calibration, run.config.channels)
    faces, truth = fer2013("PublicTest", options.faces, run.config.channels)
    header = ("variant", "accuracy", "only model, only variant", "p", "labels kept", "MB")
    print(f"| {' | '.join((*header, 'ms, 1', 'ms, 32'))} |")  # noqa: T201
    print(f"|{8 * '---|'}", flush=True)  # noqa: T201
    reference: np.ndarray | None = None
    with tempfile.TemporaryDirectory() as folder:
        for name, path, predict in variants(run, calibration, Path(folder)):
            probabilities = np.concatenate(
                [predict(faces[start : start + BATCH]) for start in range(0, len(faces), BATCH)]
            )
            reference = probabilities if reference is None else reference
            found = count_answers(reference, probabilities, truth)
            kept = (reference.argmax(axis=1) == probabilities.argmax(axis=1)).mean()
            row = [
                name,
                str(Accuracy.of(found.export, len(faces))),
                f"{found.only_model}, {found.only_export}",
                f"{found.p_value:.2g}",
                f"{kept:.1%}",
                f"{path.stat().st_size / 1e6:.2f}",
                *(f"{milliseconds(predict, faces, count):.2f}" for count in (1, BATCH)),
            ]
            print(f"| {' | '.join(row)} |", flush=True)  # noqa: T201


def fer2013(usage: str, count: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns faces of a split, evenly spaced, as float32 (n, 48, 48, channels), and labels."""
    sys.path.insert(0, os.environ["FER2013_DIR"])
    import fer2013

    pixels, rows = fer2013.load()
    places = np.array([n for n, row in enumerate(rows) if row["Usage"] == usage])
    places = places[np.linspace(0, len(places) - 1, min(count, len(places))).astype(int)]
    faces = np.repeat(pixels[places, :, :, None].astype("float32"), channels, axis=3)
    return faces, np.array([int(rows[place]["emotion"]) for place in places])


def variants(
    run: "object", calibration: np.ndarray, folder: Path
) -> Iterator[tuple[str, Path, Predict]]:
    """Yields the name, the file and the answers of the model in float32 and of each variant."""
    from fer_core.model_io.format import Source
    from fer_core.model_io.formats import FORMATS
    from fer_core.model_io.keras_formats import write_saved_model
    from fer_core.model_io.usage import usage_of

    source = Source(run.model_file, run.config, usage_of(run, (0.0, 255.0)))
    model = folder / "model.onnx"
    FORMATS["onnx"].write(source, model)
    yield "ONNX float32", model, onnx_predict(model)
    path = folder / "calibrated.onnx"
    quantize_onnx(model, path, calibration)
    yield "ONNX int8, calibrated", path, onnx_predict(path)
    saved = folder / "saved"
    write_saved_model(source, saved)
    given = {"float32": None, "int8, dynamic": calibration[:0], "int8, calibrated": calibration}
    for name, faces in given.items():
        path = folder / f"{name}.tflite"
        path.write_bytes(to_litert(saved, faces))
        yield f"LiteRT {name}", path, litert_predict(path)


def quantize_onnx(model: Path, path: Path, calibration: np.ndarray) -> None:
    """Writes a graph in which every quantized operator stands between QuantizeLinear nodes."""
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Faces(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(np.array_split(calibration, max(1, len(calibration) // 50)))

        def get_next(self) -> dict[str, np.ndarray] | None:
            faces = next(self.left, None)
            return None if faces is None else {"pixels": faces}

    quantize_static(
        model,
        path,
        Faces(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def to_litert(saved: Path, calibration: np.ndarray | None) -> bytes:
    """Returns a .tflite file: float32 for None, with dynamic ranges for no faces."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(saved), signature_keys=["serving_default"]
    )
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if calibration is not None and len(calibration):
        faces = [{"pixels": face[None]} for face in calibration]
        converter.representative_dataset = lambda: ((("serving_default"), face) for face in faces)
    return converter.convert()


def onnx_predict(path: Path) -> Predict:
    """Returns a function that predicts with onnxruntime on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    return lambda faces: session.run(["probabilities"], {"pixels": faces})[0]


def litert_predict(path: Path) -> Predict:
    """Returns a function that predicts with LiteRT on one thread."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path), num_threads=1).get_signature_runner("serving_default")
    return lambda faces: runner(pixels=faces)["probabilities"]


def milliseconds(predict: Predict, faces: np.ndarray, count: int) -> float:
    """Returns CPU milliseconds a face, that many at a time; the median of three."""
    predict(faces[:count])
    times = []
    for _ in range(3):
        started = time.process_time()
        for _ in range(REPEATS // count):
            predict(faces[:count])
        times.append(1000 * (time.process_time() - started) / (REPEATS // count * count))
    return sorted(times)[1]


if __name__ == "__main__":
    main()
