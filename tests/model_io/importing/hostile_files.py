"""Makes files that are no models, damaged, or made to hurt an import, by code.

They come on top of those of `tests.models.hostile_models`, whose kinds are the same for Keras 3.

    python -m tests.model_io.importing.hostile_files FOLDER

reads each of them in one process that has the limits of an import.
"""

import gzip
import io
import json
import pickle
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.model_io.importing import foreign_files
from tests.model_io.importing.foreign_files import SIDE, entries, h5, layer, sequential
from tests.models import hostile_models

Weights = dict[str, dict[str, np.ndarray]]


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


# Files of other programs, each with a word that the answer must have.
OTHERS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "a pointer of Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
        "git lfs",
    ),
    "a web page": (b"\n<!DOCTYPE html><html></html>", "web page"),
    "a pickle": (pickle.dumps({"weights": 1}), "pickle"),
    "PyTorch": (zipped({"archive/data.pkl": pickle.dumps(1)}), "torch.onnx.export"),
    "old PyTorch": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "torch.onnx.export"),
    "safetensors": (b"\x02\0\0\0\0\0\0\0{}", "safetensors"),
    "TensorFlow.js": (b'{"format": "layers-model", "weightsManifest": []}', "keras_model.h5"),
    "Teachable Machine": (zipped({"model.json": b"{}", "weights.bin": b""}), "keras_model.h5"),
    "an archive with a model": (zipped({"keras_model.h5": b"", "labels.txt": b""}), "Unpack"),
    "SavedModel": (b"\x08\x01\x12\x80\x80", "SavedModel"),
    "a checkpoint": (b'model_checkpoint_path: "model"', "checkpoint"),
    "a frozen graph": (b"\n\x10\n\x05input\x12\x0bPlaceholder", "tf2onnx"),
    "YAML": (b"class_name: Sequential\nconfig: []", "to_json"),
    "NumPy": (b"\x93NUMPY\x01\0", "NumPy"),
    "a compressed file": (gzip.compress(b"model"), "Unpack"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "picture"),
    "anything else": (b"hello", "hello"),
}


def _model(change: Callable[[list[dict[str, Any]]], object], weights: Weights) -> bytes:
    changed = entries()
    change(changed)
    return h5(sequential(changed), weights, "2.2.4")


def _with(number: int, **settings: Any) -> Callable[[list[dict[str, Any]]], None]:
    return lambda layers: layers[number]["config"].update(settings)


def _instead(number: int, class_name: str, **settings: Any) -> Callable[[list[Any]], None]:
    def change(layers: list[Any]) -> None:
        layers[number] = layer(class_name, "odd", **settings)

    return change


MODELS: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "code": _instead(3, "Lambda", function=["4wEAAAA=", None, None]),
    "a custom class": _instead(3, "Attention>Custom"),
    "a module of torch": _instead(3, "TorchModuleWrapper", module="gAN9cQAu"),
    "a name of a class that is a list": lambda layers: layers[3].update(class_name=[[]]),
    "settings that are a number": lambda layers: layers[3].update(config=3),
    "an activation that is code": _with(0, activation={"class_name": "function", "config": ["e"]}),
    "ten billion units": _with(5, units=10**10),
    "units beyond all words": _with(5, units=10**40),
    "a huge image": _with(0, batch_input_shape=[None, 10**9, 10**9, 1]),
    "no size": _with(0, batch_input_shape=[None, None, None, 1]),
    "five channels": _with(0, batch_input_shape=[None, SIDE, SIDE, 5]),
    "no layers": lambda layers: layers.clear(),
    "five thousand layers": lambda layers: layers.__setitem__(
        slice(3, 4), [layer("Dropout", f"d{n}", rate=0.1) for n in range(5000)]
    ),
    "models a hundred deep": lambda layers: layers.__setitem__(0, _deep(100)),
    "a division by zero": _instead(3, "TensorFlowOpLayer", node_def={"op": "RealDiv"},
                                   constants={"1": 0}),
    "borders of a gigabyte": _instead(3, "ZeroPadding2D", padding=[10**6, 10**6]),
    "a shape of nothing": _instead(4, "Reshape", target_shape=[0, -1, -1]),
    "a normalization of nothing": _instead(3, "Normalization", mean=[], variance=[]),
    "a normalization with words": _instead(3, "Normalization", mean=["a"], variance=["b"]),
    "a slope that is infinite": _instead(3, "LeakyReLU", alpha=1e308),
}  # fmt: skip


def _deep(levels: int) -> Any:
    model: Any = layer("Conv2D", "conv", filters=4, kernel_size=[3, 3])
    for _ in range(levels):
        model = sequential({"name": "deep", "layers": [model]})
    return model


def _tree(change: Callable[[h5py.File], object], weights: Weights) -> bytes:
    buffer = io.BytesIO(h5(sequential(entries()), weights, "2.2.4"))
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue()


KERNEL = "model_weights/answer/answer_1/kernel:0"


def _attribute(name: str, value: Any, place: str = "/") -> Callable[[h5py.File], None]:
    return lambda file: file[place].attrs.__setitem__(name, value)


def _packed(file: h5py.File) -> None:
    del file[KERNEL]
    zeros = np.zeros((2**12, 2**12), "f4")
    file.create_dataset(KERNEL, data=zeros, compression="gzip", chunks=zeros.shape)


TREES: dict[str, Callable[[h5py.File], object]] = {
    "a gigabyte of nothing": hostile_models.replaced(KERNEL, shape=(2**14, 2**14), dtype="f4"),
    "a packed gigabyte": _packed,
    "a link to another file": lambda file: file.__setitem__(
        "model_weights/more", h5py.ExternalLink("/etc/passwd", "/")
    ),
    "weights in another file": hostile_models.replaced(
        KERNEL, shape=(144, 7), dtype="f4", external=[("/etc/passwd", 0, 4032)]
    ),
    "a circle": lambda file: file.__setitem__("again", file["model_weights"]),
    "deep groups": hostile_models.deep_groups,
    "many groups": hostile_models.many_groups,
    "NaN": hostile_models.filled(KERNEL, np.nan),
    "the axes exchanged": hostile_models.replaced(KERNEL, data=np.zeros((7, 144), "f4")),
    "names of other layers": _attribute("layer_names", [b"../..", b"/"], "model_weights"),
    "names that are numbers": _attribute("layer_names", np.arange(9.0), "model_weights"),
    "a description that is a number": _attribute("model_config", 7.0),
    "a deep description": _attribute("model_config", b"[" * 50_000),
    "a description of two letters": _attribute("model_config", b"\xff\xfe"),
    "no weights": lambda file: file.__delitem__("model_weights"),
}


def files() -> dict[str, bytes]:
    """Returns the contents of all hostile files by name; each is to be refused."""
    weights = foreign_files.by_layer(foreign_files.network())
    sound = h5(sequential(entries()), weights, "2.2.4")
    made = {name: data for name, (data, _) in OTHERS.items()}
    made |= {f"{name}, model": _model(change, weights) for name, change in MODELS.items()}
    made |= {f"{name}, tree": _tree(change, weights) for name, change in TREES.items()}
    config, newest = hostile_models.sound_model()
    for name, make in hostile_models.contents(config, newest).items():
        if name not in _SOUND_HERE:
            made[f"{name}, Keras 3"] = make()
    made["half of a file"] = sound[: len(sound) // 2]
    made["a description alone"] = json.dumps(sequential(entries())).encode()
    made["weights alone"] = foreign_files.weights_alone(weights)
    made["a deep description alone"] = b'{"class_name": ' + b"[" * 100_000
    made["a list that is long"] = hostile_models.long_list()
    made["a packed description"] = partial(zipped, method=zipfile.ZIP_DEFLATED)(
        {"config.json": b" " * 200 * 2**20}
    )
    return made


def main() -> None:
    """Reads each file with the limits of an import, and prints a line of JSON for each."""
    import resource

    from fer_core.model_io.importing import child, keras_file

    assert keras_file  # imported before the limits
    path = Path(sys.argv[1]) / "model.keras"
    made = files()
    child.limit()
    for name, data in made.items():
        path.write_bytes(data)
        started = time.process_time()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = child._answer(
            {"model": str(path), "weights": None, "choices": None, "folder": sys.argv[1]}
        )
        record = {
            "name": name,
            "answer": next(iter(answer)),
            "text": str(answer)[:500],
            "seconds": time.process_time() - started,
            "bytes": 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before),
        }
        sys.stdout.write(f"{json.dumps(record)}\n")


# Refused in a run's own model, but not in an import, which writes a new file.
_SOUND_HERE = (
    "a fixed batch",
    "a layer before its input",
    "a name that is none",
    "a sequence",
    "another class",
    "chunks",
)

if __name__ == "__main__":
    main()
