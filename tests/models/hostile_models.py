"""Makes model files that are damaged or made to hurt, by code.

    python -m tests.models.hostile_models FOLDER

writes each of them, loads it, and prints a line of JSON for each: name, outcome ("FerError",
"loaded" or another exception), seconds of the processor, and bytes by which memory rose at most.
The process may use 400 MB more than it uses after its imports.
"""

import io
import json
import os
import pickle
import resource
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Config = dict[str, Any]
MEMORY = 400 * 2**20  # bytes more than after the imports
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


def sound_model() -> tuple[Config, bytes]:
    """Returns config.json and the weights of a small model with every kind of weight."""
    import keras

    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((48, 48, 1), name="pixels")
    x = keras.layers.Rescaling(1 / 255, name="scaling")(x)
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Add(name="sum")([x, keras.layers.ReLU(name="relu")(x)])
    x = keras.layers.MaxPooling2D(4, name="pool")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dropout(0.5, name="drop")(x)
    x = keras.layers.Dense(7, "softmax", name="probabilities")(x)
    with tempfile.TemporaryDirectory() as folder:
        keras.Model(inputs, x, name="sound").save(path := Path(folder) / "sound.keras")
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(CONFIG)), archive.read(WEIGHTS)


def packed(
    config: bytes, weights: bytes, *, method: int = zipfile.ZIP_STORED, config_name: str = CONFIG
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr(config_name, config)
        archive.writestr(WEIGHTS, weights)
    return buffer.getvalue()


# Descriptions


def layer(config: Config, name: str) -> Config:
    return next(each for each in config["config"]["layers"] if each["name"] == name)


def setting(name: str, key: str, value: Any) -> Callable[[Config], None]:
    def edit(config: Config) -> None:
        layer(config, name)["config"][key] = value

    return edit


def other_class(name: str, class_name: str, **settings: Any) -> Callable[[Config], None]:
    def edit(config: Config) -> None:
        layer(config, name).update(class_name=class_name)
        layer(config, name)["config"].update(settings)

    return edit


def graph(key: str, value: Any) -> Callable[[Config], None]:
    return lambda config: config["config"].update({key: value})


def source(name: str, *history: Any) -> Callable[[Config], None]:
    def edit(config: Config) -> None:
        tensor = layer(config, name)["inbound_nodes"][0]["args"][0]
        tensor["config"]["keras_history"] = list(history)

    return edit


def chain(length: int) -> Callable[[Config], None]:
    """Makes a chain of so many more activations."""

    def edit(config: Config) -> None:
        layers = config["config"]["layers"]
        place = layers.index(layer(config, "flat"))
        before = "pool"
        for number in range(length):
            new = json.loads(json.dumps(layer(config, "relu")))
            new["name"] = new["config"]["name"] = f"more{number}"
            new["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = [before, 0, 0]
            before = new["name"]
            layers.insert(place + number, new)
        source("flat", before, 0, 0)(config)

    return edit


def renamed(name: str, new: Any) -> Callable[[Config], None]:
    return lambda config: layer(config, name).update(name=new)


def twice(config: Config) -> None:
    nodes = layer(config, "relu")["inbound_nodes"]
    nodes.append(nodes[0])


def without_inputs(config: Config) -> None:
    layer(config, "conv")["inbound_nodes"] = []


def reversed_layers(config: Config) -> None:
    config["config"]["layers"].reverse()


def nested(config: Config) -> None:
    layer(config, "relu").update(class_name="Functional", config=json.loads(json.dumps(config)))


def unlike(config: Config) -> None:
    """Adds tensors of different sizes."""
    args = layer(config, "sum")["inbound_nodes"][0]["args"][0]
    args[0]["config"]["keras_history"] = ["scaling", 0, 0]
    setting("conv", "padding", "valid")(config)


EDITS: dict[str, Callable[[Config], object]] = {
    "a million units": setting("probabilities", "units", 10**6),
    "ten billion units": setting("probabilities", "units", 10**10),
    "more units than fit a word": setting("probabilities", "units", 10**30),
    "no units": setting("probabilities", "units", 0),
    "fewer units than none": setting("probabilities", "units", -7),
    "units as text": setting("probabilities", "units", "7"),
    "a unit less than its weights": setting("probabilities", "units", 6),
    "a billion filters": setting("conv", "filters", 10**9),
    "sixty thousand filters": setting("conv", "filters", 60_000),
    "a huge kernel": setting("conv", "kernel_size", [10**6, 10**6]),
    "a kernel of three sides": setting("conv", "kernel_size", [3, 3, 3]),
    "no stride": setting("conv", "strides", [0, 0]),
    "odd groups": setting("conv", "groups", 3),
    "strides and dilation": setting("conv", "dilation_rate", [500, 500]),
    "another padding": setting("conv", "padding", "causal"),
    "channels first": setting("conv", "data_format", "channels_first"),
    "a pool larger than the image": setting("pool", "pool_size", [400, 400]),
    "an empty pool": setting("pool", "pool_size", [0, 0]),
    "no epsilon": setting("norm", "epsilon", 0),
    "another axis": setting("norm", "axis", 1),
    "an axis that is none": setting("norm", "axis", 17),
    "drops more than all": setting("drop", "rate", 2.0),
    "scales beyond all numbers": setting("scaling", "scale", 1e308),
    "scales by words": setting("scaling", "scale", ["a"] * 3),
    "scales by a million numbers": setting("scaling", "scale", [1.0] * 100_000),
    "an activation of its own": setting(
        "conv", "activation", {"class_name": "function", "config": "os.system"}
    ),
    "an unknown activation": setting("probabilities", "activation", "exec"),
    "code": other_class("relu", "Lambda", function={"class_name": "__lambda__"}),
    "a module of torch": other_class("relu", "TorchModuleWrapper", module="gAN9cQAu"),
    "a saved model of TensorFlow": other_class("relu", "TFSMLayer", filepath="/etc"),
    "an unknown layer": other_class("relu", "Nothing"),
    "a layer named by a number": lambda config: layer(config, "relu").update(class_name=7),
    "a model in a model": nested,
    "three thousand layers": chain(3000),
    "two thousand layers": chain(2000),
    "no layers": graph("layers", []),
    "layers that are words": graph("layers", ["a", "b"]),
    "no outputs": graph("output_layers", []),
    "missing outputs": lambda config: config["config"].pop("output_layers"),
    "missing inputs": lambda config: config["config"].pop("input_layers"),
    "two outputs": graph("output_layers", [["probabilities", 0, 0], ["flat", 0, 0]]),
    "an output that is not there": graph("output_layers", [["nowhere", 0, 0]]),
    "an output in the middle": graph("output_layers", [["flat", 0, 0]]),
    "an output of the input": graph("output_layers", [["pixels", 0, 0]]),
    "an unknown size": setting("pixels", "batch_shape", [None, None, None, 1]),
    "a fixed batch": setting("pixels", "batch_shape", [10**9, 48, 48, 1]),
    "an endless image": setting("pixels", "batch_shape", [None, 10**9, 10**9, 1]),
    "an image without a side": setting("pixels", "batch_shape", [None, 0, 48, 1]),
    "an image of five channels": setting("pixels", "batch_shape", [None, 48, 48, 5]),
    "an image of one axis": setting("pixels", "batch_shape", [None, 48]),
    "another size than its weights": setting("pixels", "batch_shape", [None, 64, 64, 1]),
    "no input at all": without_inputs,
    "a layer before its input": reversed_layers,
    "a layer that is its own input": source("relu", "relu", 0, 0),
    "an input from nowhere": source("relu", "nowhere", 0, 0),
    "a second output of a layer": source("relu", "conv", 0, 1),
    "a shared layer": twice,
    "two layers of a name": renamed("flat", "pool"),
    "a name with a slash": renamed("relu", "../relu"),
    "a name that is none": renamed("relu", None),
    "a name of a megabyte": renamed("relu", "a" * 500_000),
    "sums of different sizes": unlike,
    "a sequence": lambda config: config.update(class_name="Sequential"),
    "another class": lambda config: config.update(class_name="os.system"),
}

TEXTS: dict[str, bytes] = {
    "a description of nothing": b"",
    "a description that is no JSON": b"{",
    "a description that is a list": b"[]",
    "a description that is null": b"null",
    "a description of two letters": b"\xff\xfe",
    "a description with NaN": b'{"class_name": NaN}',
    "a deep description": b'{"config": ' + b"[" * 100_000,
    "a deep description that ends": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


# Weights

Tree = h5py.File


def replaced(path: str, **settings: Any) -> Callable[[Tree], None]:
    def edit(tree: Tree) -> None:
        del tree[path]
        tree.create_dataset(path, **settings)

    return edit


def filled(path: str, value: float, dtype: str = "f4") -> Callable[[Tree], None]:
    def edit(tree: Tree) -> None:
        array = np.full(tree[path].shape, value, dtype)
        del tree[path]
        tree[path] = array

    return edit


KERNEL = "layers/dense/vars/0"  # 576 × 7


def soft_link(tree: Tree) -> None:
    del tree["layers/dense/vars/1"]
    tree["layers/dense/vars/1"] = h5py.SoftLink("/layers/dense/vars/0")


def link_out(tree: Tree) -> None:
    del tree["layers/dense/vars/1"]
    tree["layers/dense/vars/1"] = h5py.ExternalLink("/etc/passwd", "/")


def circle(tree: Tree) -> None:
    tree["layers/dense/again"] = tree["layers"]


def shared(tree: Tree) -> None:
    for number in range(100):
        tree[f"more{number}"] = tree[KERNEL]


def virtual(tree: Tree) -> None:
    layout = h5py.VirtualLayout((576, 7), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (576, 7))
    del tree[KERNEL]
    tree.create_virtual_dataset(KERNEL, layout, fillvalue=1)


def deep_groups(tree: Tree) -> None:
    tree.create_group("/".join("a" * 500))


def many_groups(tree: Tree) -> None:
    for number in range(21_000):
        tree.create_group(f"g{number}")


def named_type(tree: Tree) -> None:
    tree["type"] = np.dtype("f4")


def vlen(tree: Tree) -> None:
    tree.create_dataset("words", (1000,), h5py.string_dtype())


def missing(path: str) -> Callable[[Tree], None]:
    return lambda tree: tree.__delitem__(path)


TREES: dict[str, Callable[[Tree], object]] = {
    "a gigabyte of nothing": replaced("layers/dense/vars/0", shape=(2**14, 2**14), dtype="f4"),
    "a terabyte of nothing": replaced(KERNEL, shape=(2**20, 2**18), dtype="f4", fillvalue=1.0),
    "nothing of the right size": replaced(KERNEL, shape=(576, 7), dtype="f4", fillvalue=1.0),
    "chunks": replaced(KERNEL, data=np.ones((576, 7), "f4"), chunks=(576, 7)),
    "a packed gigabyte": replaced(
        KERNEL, data=np.zeros((2**12, 2**12), "f4"), compression="gzip", chunks=(2**12, 2**12)
    ),
    "weights in another file": replaced(
        KERNEL, shape=(576, 7), dtype="f4", external=[("/etc/passwd", 0, 16128)]
    ),
    "virtual weights": virtual,
    "a soft link": soft_link,
    "a link to another file": link_out,
    "a circle": circle,
    "an array a hundred times": shared,
    "deep groups": deep_groups,
    "many groups": many_groups,
    "a named type": named_type,
    "words": vlen,
    "weights that are words": replaced(KERNEL, shape=(576, 7), dtype=h5py.string_dtype()),
    "whole numbers": filled(KERNEL, 1, "i4"),
    "complex numbers": filled(KERNEL, 1, "c8"),
    "NaN": filled(KERNEL, np.nan),
    "infinity": filled("layers/conv2d/vars/0", np.inf),
    "beyond single precision": filled(KERNEL, 1e300, "f8"),
    "a NaN in the moving mean": filled("layers/batch_normalization/vars/2", np.nan),
    "a scalar": replaced(KERNEL, data=np.float32(1)),
    "an empty array": replaced(KERNEL, data=h5py.Empty("f4")),
    "no rows": replaced(KERNEL, data=np.zeros((0, 7), "f4")),
    "the axes exchanged": replaced(KERNEL, data=np.zeros((7, 576), "f4")),
    "more axes": replaced(KERNEL, data=np.zeros((1, 1, 1, 1, 1, 1, 576, 7), "f4")),
    "a missing bias": missing("layers/dense/vars/1"),
    "a missing layer": missing("layers/conv2d"),
    "no layers in it": missing("layers"),
    "a group for an array": lambda tree: (missing(KERNEL)(tree), tree.create_group(KERNEL)),
}


# Archives


def long_list(count: int = 300_000) -> bytes:
    """Returns an archive whose list of members takes a thousand times as much in memory."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, *[0] * 4, *[0] * 3, 1, *[0] * 4, 0, 0)
    body = b"PK\3\4" + bytes(26) + (entry + b"a") * count
    return body + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count & 65535, count & 65535,
                              len(body) - 30, 30, 0)  # fmt: skip


def flagged(data: bytes, *, local: int = 0, entry: int = 0, method: int | None = None) -> bytes:
    """Sets flags, or the method, of all members."""
    changed = bytearray(data)
    for signature, flags, place in ((b"PK\3\4", local, 6), (b"PK\1\2", entry, 8)):
        start = changed.find(signature)
        while start >= 0:
            changed[start + place] |= flags
            if method is not None:
                changed[start + place + 2 : start + place + 4] = method.to_bytes(2, "little")
            start = changed.find(signature, start + 4)
    return bytes(changed)


def archives(text: bytes, weights: bytes) -> dict[str, Callable[[], bytes]]:
    """Returns functions that make an archive that is none, or an odd one, by name."""
    sound = packed(text, weights)
    end = sound.rindex(b"PK\5\6")
    other, zeros = (text, weights), 200 * 2**20
    deflated = partial(packed, method=zipfile.ZIP_DEFLATED)
    return {
        "nothing": lambda: b"",
        "a text": lambda: b"not a model",
        "a pickle": lambda: pickle.dumps({"weights": 1}),
        "a pointer of Git LFS": lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
        "weights alone": lambda: weights,
        "half of it": lambda: sound[: len(sound) // 2],
        "its beginning": lambda: sound[:1000],
        "its end": lambda: sound[1000:],
        "an end after it": lambda: sound + b"PK",
        "another beginning": lambda: b"#!/bin/sh\n" + sound,
        "a damaged byte": lambda: sound[:-2000] + bytes([sound[-2000] ^ 255]) + sound[-1999:],
        "damaged weights": lambda: sound.replace(weights[3000:3010], bytes(range(10)), 1),
        "encrypted": lambda: flagged(sound, local=1, entry=1),
        "an unknown method": lambda: flagged(sound, method=99),
        "another unknown method": lambda: flagged(sound, method=97),
        "bzip2": lambda: packed(*other, method=zipfile.ZIP_BZIP2),
        "LZMA": lambda: packed(*other, method=zipfile.ZIP_LZMA),
        "no description": lambda: packed(*other, config_name="other.json"),
        "two descriptions": lambda: _two_descriptions(sound),
        "a packed description of 200 MB": lambda: deflated(b'{"x": "' + bytes(zeros), weights),
        "packed weights of 200 MB": lambda: deflated(text, weights + bytes(zeros)),
        "a long list": long_list,
        "a 64-bit list": lambda: sound[:end] + b"PK\6\7" + bytes(16) + sound[end:],
        "a comment": lambda: sound[:-2] + b"\5\0hello",
        "no weights": lambda: packed(text, b""),
        "weights that are text": lambda: packed(text, b"weights"),
        "half of the weights": lambda: packed(text, weights[: len(weights) // 2]),
        "the first kilobyte of the weights": lambda: packed(text, weights[:1000]),
    }


def _two_descriptions(sound: bytes) -> bytes:
    buffer = io.BytesIO(sound)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("other1.json", "{}")
    return buffer.getvalue().replace(b"other1.json", b"config.json")


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Writes the files one by one; each is to be refused."""
    config, weights = sound_model()
    for name, make in contents(config, weights).items():
        path = folder / "model.keras"
        path.write_bytes(make())
        yield name, path
        path.unlink()
    yield from _odd_files(folder, packed(json.dumps(config).encode(), weights))


def contents(config: Config, weights: bytes) -> dict[str, Callable[[], bytes]]:
    """Returns functions that make the content of a file, by name."""
    text = json.dumps(config).encode()
    made: dict[str, Callable[[], bytes]] = {}
    made |= {name: partial(_edited, text, edit, weights) for name, edit in EDITS.items()}
    made |= {name: partial(packed, part, weights) for name, part in TEXTS.items()}
    made |= {name: partial(_changed, text, weights, change) for name, change in TREES.items()}
    made |= archives(text, weights)
    return made | {"an image of a thousand channels": lambda: wide(config, weights)}


def _edited(text: bytes, edit: Callable[[Config], object], weights: bytes) -> bytes:
    config = json.loads(text)
    edit(config)
    return packed(json.dumps(config).encode(), weights)


def _changed(text: bytes, weights: bytes, change: Callable[[Tree], object]) -> bytes:
    buffer = io.BytesIO(weights)
    with h5py.File(buffer, "r+") as tree:
        change(tree)
    return packed(text, buffer.getvalue(), method=zipfile.ZIP_DEFLATED)


def wide(config: Config, weights: bytes) -> bytes:
    """Returns a model with sound weights that would take gigabytes for a batch of images."""
    edited = json.loads(json.dumps(config))
    for name, size in (("conv", 4000), ("pool", 48)):
        setting(name, "filters" if name == "conv" else "pool_size", size)(edited)
    setting("pool", "pool_size", [48, 48])(edited)
    buffer = io.BytesIO(weights)
    with h5py.File(buffer, "r+") as tree:
        replaced("layers/conv2d/vars/0", data=np.ones((3, 3, 1, 4000), "f4"))(tree)
        replaced("layers/conv2d/vars/1", data=np.ones(4000, "f4"))(tree)
        for number in range(4):
            path = f"layers/batch_normalization/vars/{number}"
            replaced(path, data=np.ones(4000, "f4"))(tree)
        replaced(KERNEL, data=np.ones((576, 7), "f4"))(tree)
    return packed(json.dumps(edited).encode(), buffer.getvalue())


def _odd_files(folder: Path, sound: bytes) -> Iterator[tuple[str, Path]]:
    (folder / "folder").mkdir()
    (folder / "folder" / CONFIG).write_text("{}")
    yield "a folder", folder / "folder"
    yield "a file that is not there", folder / "nothing.keras"
    with (folder / "sparse.keras").open("wb") as file:
        file.write(sound)
        file.truncate(2**33)
    yield "eight gigabytes of holes", folder / "sparse.keras"
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.keras")
        yield "a pipe", folder / "pipe.keras"
        (folder / "zero.keras").symlink_to("/dev/zero")
        yield "a device", folder / "zero.keras"
        (folder / "loop.keras").symlink_to("loop.keras")
        yield "a link to itself", folder / "loop.keras"


def _load_all(folder: Path) -> None:
    from fer_core.errors import FerError
    from fer_core.models import load_for_prediction, load_model

    config, weights = sound_model()
    sound = folder / "sound.keras"
    sound.write_bytes(packed(json.dumps(config).encode(), weights))
    loaders = (load_model, load_for_prediction)
    for load in loaders:
        load(sound, classes=7)  # loads and starts TensorFlow, and onnxruntime
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = _memory("VmSize")
    for name, path, load in ((*file, load) for file in files(folder) for load in loaders):
        Path("/proc/self/clear_refs").write_text("5")
        before, started, outcome = _memory("VmRSS"), time.process_time(), "loaded"
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
        try:
            load(path, classes=7)
        except FerError:
            outcome = "FerError"
        except Exception as error:
            outcome = repr(error)[:200]
        seconds = time.process_time() - started
        record = {
            "name": f"{name}, {load.__name__}",
            "outcome": outcome,
            "seconds": round(seconds, 3),
        }
        record["bytes"] = max(0, _memory("VmHWM") - before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        sys.stdout.write(f"{json.dumps(record)}\n")
        sys.stdout.flush()


def _memory(entry: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(entry)).split()[1])


if __name__ == "__main__":
    _load_all(Path(sys.argv[1]))
