"""Tells what a file is that cannot be imported, and what to do instead."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fer_core.errors import FerError
from fer_core.storage import open_regular
from fer_core.text import shortened

START_BYTES = 4096
HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\3\4"
_PICKLE, _TORCH_PICKLE = b"\x80", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_TABLE_END = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"  # of a LevelDB table, in which checkpoints list
_EXPORT_ONNX = (
    "Load it with its own program and export it: torch.onnx.export(model, torch.zeros(1, channels, "
    'height, width), "model.onnx"). Then import the .onnx file.'
)
_SAVE_AGAIN = 'Load it with the program that wrote it and save the model: model.save("model.h5").'


@dataclass(frozen=True)
class _Other:
    """Describes a kind of file that is not imported."""

    what: str  # the end of the sentence "It is"
    advice: str  # a sentence
    fits: Callable[[Path, bytes], bool]


def _begins(*starts: bytes) -> Callable[[Path, bytes], bool]:
    return lambda path, start: start.startswith(starts)


def _has(*parts: bytes) -> Callable[[Path, bytes], bool]:
    return lambda path, start: any(part in start for part in parts)


def _holds(*names: str) -> Callable[[Path, bytes], bool]:
    """Recognizes an archive by the end of a member's name."""
    return lambda path, start: (
        start.startswith(ZIP) and any(each.endswith(names) for each in members(path))
    )


def _is_page(path: Path, start: bytes) -> bool:
    return (
        start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<!doctype", b"<html", b"<?xml"))
    )


def _is_safetensors(path: Path, start: bytes) -> bool:
    size = int.from_bytes(start[:8], "little")
    return start[8:10] in (b'{"', b"{}") and size < path.stat().st_size


def _is_checkpoint(path: Path, start: bytes) -> bool:
    if b"model_checkpoint_path:" in start or ".data-0000" in path.name:
        return True
    with open_regular(path) as file:
        file.seek(max(0, path.stat().st_size - 8))
        return file.read() == _TABLE_END


_ARCHIVES = (b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"%PDF")
_OTHERS = (
    _Other("an empty file", "Download or copy it again.", lambda path, start: not start),
    _Other(
        "a pointer of Git LFS, not the file itself",
        "Run `git lfs pull` in its repository, or download the file from its web page.",
        _begins(b"version https://git-lfs", b"version https://hawser"),
    ),
    _Other(
        "a web page, so its download went wrong",
        "Open the address in a browser and save the file itself; on GitHub with Download raw file.",
        _is_page,
    ),
    _Other("a PyTorch model", _EXPORT_ONNX, _begins(_TORCH_PICKLE)),
    _Other("a PyTorch model", _EXPORT_ONNX, _holds("/data.pkl", "/constants.pkl")),
    _Other("weights in the format safetensors", _EXPORT_ONNX, _is_safetensors),
    _Other(
        "a pickle, which can run any program when it is opened",
        f"It is not opened here. {_SAVE_AGAIN}",
        _begins(*(_PICKLE + bytes([protocol]) for protocol in range(2, 6))),
    ),
    _Other(
        "a model of Teachable Machine or TensorFlow.js",
        "In Teachable Machine choose Export Model, Tensorflow, Keras, and import keras_model.h5; "
        "or convert it with tensorflowjs_converter --input_format tfjs_layers_model "
        "--output_format keras.",
        _has(b"weightsManifest", b"@teachablemachine", b'"tfjsVersion"', b"generatedBy"),
    ),
    _Other(
        "an archive with a model of Teachable Machine or TensorFlow.js",
        "Export it for Tensorflow as Keras instead, and import keras_model.h5.",
        _holds("weights.bin", "model.json"),
    ),
    _Other(
        "an archive with a model in it",
        "Unpack it, and import the model's file, such as keras_model.h5.",
        _holds(".h5", ".hdf5", ".keras", ".onnx", ".tflite"),
    ),
    _Other(
        "a SavedModel of TensorFlow",
        "Load it with tf.keras.models.load_model of the version that wrote it and save it: "
        'model.save("model.h5").',
        lambda path, start: (
            start.startswith(b"\x08\x01\x12") or _holds("saved_model.pb")(path, start)
        ),
    ),
    _Other(
        "a checkpoint of TensorFlow, which holds weights alone",
        "Build the model with its program, load the checkpoint, and save the whole model: "
        'model.save("model.h5").',
        _is_checkpoint,
    ),
    _Other(
        "a frozen graph of TensorFlow",
        "Convert it: python -m tf2onnx.convert --graphdef FILE --output model.onnx --inputs … "
        "--outputs …, and import the .onnx file.",
        lambda path, start: (
            start.startswith(b"\n") and (b"Placeholder" in start or b"Const" in start)
        ),
    ),
    _Other(
        "a model's architecture as YAML",
        "Save it as JSON: model.to_json(), and choose the file with the weights too.",
        lambda path, start: b"class_name:" in start and not start.startswith(b"{"),
    ),
    _Other("arrays of NumPy", _SAVE_AGAIN, _begins(b"\x93NUMPY")),
    _Other("arrays of NumPy", _SAVE_AGAIN, _holds(".npy")),
    _Other("a compressed archive", "Unpack it, and import the model's file.", _begins(*_ARCHIVES)),
    _Other("an archive without a model", "Choose the model's file.", _begins(ZIP)),
    _Other("a picture or a document", "Choose the model's file.", _begins(*_PICTURES)),
)


def explain(path: Path, start: bytes) -> str:
    """Returns sentences on what a file is, by its first bytes, and what to do."""
    for other in _OTHERS:
        if other.fits(path, start):
            return f"{path.name} is {other.what}. {other.advice}"
    shown = shortened(repr(start[:16]))
    return (
        f"{path.name} is no model that can be imported: those of Keras, ONNX and LiteRT can. "
        f"It begins with {shown}."
    )


def explain_folder(folder: Path) -> str:
    """Returns the same of a folder."""
    if (folder / "saved_model.pb").exists():
        saved = next(other for other in _OTHERS if "SavedModel" in other.what)
        return f"{folder.name} is the folder of {saved.what}. {saved.advice}"
    if (folder / "model.json").exists():
        return f"{folder.name} is a folder. Choose a file in it, such as model.h5 or model.json."
    return f"{folder.name} is a folder. Choose the model's file."


def members(path: Path) -> list[str]:
    """Returns the names of an archive's members; none if it is damaged.

    Reads any number of them, so it is called where memory is limited.
    """
    status = path.stat()
    return _members(path, (status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=1)  # asked for each kind of archive; a list may be long
def _members(path: Path, stamp: tuple[int, int]) -> list[str]:
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except (FerError, OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile):
        return []
