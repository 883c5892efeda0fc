"""Writes a web page that recognizes faces in the browser, without a server or a network."""

import base64
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fer_core.errors import FerError
from fer_core.model_io import onnxruntime_web
from fer_core.model_io.format import Missing, Source
from fer_core.model_io.onnx_format import ONNX, write_onnx

PAGE = Path(__file__).parent / "web"  # the page's own files
_INTRODUCTION = """Open `index.html` in a browser. It works from this folder, without a server and \
without a
network, and sends nothing anywhere. If the browser gives no camera to a page from a disk, run
`python -m http.server` in this folder and open <http://localhost:8000>. To publish the page, copy
the folder to a web server with HTTPS.

`recognizer.js` is what another page needs. Save this in the folder as `example.html`, open it, and
choose `face.png`:

```html
<!doctype html>
<input type="file" accept="image/*" />
<output></output>
<script src="ort.wasm.min.js"></script>
<script src="runtime.js"></script>
<script src="model.js"></script>
<script src="recognizer.js"></script>
<script>
  const loading = loadRecognizer();
  document.querySelector("input").onchange = async ({ target }) => {
    const image = await createImageBitmap(target.files[0]);
    const face = { x: 0, y: 0, width: image.width, height: image.height };
    const { expression, probabilities } = await (await loading).recognize(image, face);
    document.querySelector("output").textContent = JSON.stringify({ expression, probabilities });
  };
</script>
```

`ort.wasm.min.js` and `runtime.js` are onnxruntime-web (Microsoft, MIT License).

## In Python

"""


def write_web(source: Source, path: Path) -> None:
    """Writes index.html, and beside it all that it loads: scripts, the runtime and the model.

    Raises:
        FerError: as `write_onnx`; or onnxruntime-web is missing or damaged.
    """
    folder, package = path.parent, onnxruntime_web.find_package()
    if package is None:
        raise FerError(f"The web page needs {_missing()}")
    runtime = onnxruntime_web.read_runtime(package)
    model = folder / "model.onnx"
    write_onnx(source, model)
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    (folder / onnxruntime_web.SCRIPT).write_bytes(runtime.script)
    _write_script(
        folder / "runtime.js", "RUNTIME", mjs=_base64(runtime.glue), wasm=_base64(runtime.wasm)
    )
    _write_script(
        folder / "model.js", "MODEL", usage=asdict(source.usage), onnx=_base64(model.read_bytes())
    )


def _write_script(path: Path, name: str, **values: Any) -> None:
    """Writes a script that defines a constant: a page from a disk may load no other files."""
    path.write_text(f"const {name} = {json.dumps(values)};\n", encoding="utf-8")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _missing() -> Missing | None:
    if onnxruntime_web.find_package():
        return None
    how = "Fetch it in the workspace's folder"
    return Missing("the npm package onnxruntime-web", how, onnxruntime_web.COMMAND)


WEB = replace(  # in Python it is used as ONNX, and it takes the same models
    ONNX,
    name="web",
    label="Web page",
    file="index.html",
    write=write_web,
    also_missing=_missing,
    introduction=_INTRODUCTION,
    takes_onnx=True,
)
