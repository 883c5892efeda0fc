"""From a model of the list to a file for another program, in a browser."""

import base64
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from skimage import data

from fer_core.inference.recognition import Classifier
from fer_core.model_io.onnxruntime_web import find_package
from fer_core.model_io.readme import README
from fer_core.model_io.web_format import PAGE
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.tasks import kinds
from fer_core.tasks.task import list_tasks
from fer_core.vision.images import Box, crop_face, encode, face_pixels
from tests.e2e.browsing import download, open_page, press, settled, stand_still, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ASTRONAUT = data.astronaut()
# The checkbox of the first row in the table of runs, from the table's corner.
FIRST_ROW = {"x": 18, "y": 52}
# Returns the pixels that a model of some usage gets of each box of a PNG file, in base64.
MODEL_PIXELS = """async ([png, asked]) => {
    const picture = await createImageBitmap(new Blob([fromBase64(png)]));
    return asked.map(([box, usage]) => [...modelPixels(picture, box, usage)]);
}"""


def test_a_model_is_exported_compared_and_used_elsewhere(
    page: "Page", browser: "Browser", address: str, tmp_path: Path
) -> None:
    name, label = ("web", "Web page") if find_package() else ("onnx", "ONNX")
    open_page(page, f"{address}/runs")
    page.get_by_test_id("stDataFrame").first.click(position=FIRST_ROW)
    page.get_by_text("1 run selected").wait_for()
    settled(page)
    export = page.get_by_role("button", name="Export", exact=True)
    press(page.get_by_text("Export to other programs"), export)
    chosen = page.get_by_role("option", name=label, exact=True)
    formats = page.get_by_role("combobox", name="Format")
    stand_still(formats)  # the part above opens slowly
    press(formats, chosen)
    press(chosen, chosen, state="hidden")
    press(export, page.get_by_role("button", name="Stop exporting"))
    # Keras has to be loaded for it, which takes long on a busy machine.
    page.get_by_text("Predicting with Keras").wait_for()
    wait_until(lambda: not list_tasks(kinds.EXPORT)[0].state.is_active, "the export")
    page.get_by_text("64 of 64 drawn faces get the model's label.").wait_for()
    file = download(page, f"Download {label} (.zip)", f"residual-cnn-{name}.zip")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "predict.py"]
    done = subprocess.run(command, cwd=tmp_path / name, check=True, capture_output=True)
    assert json.loads(done.stdout)["probabilities"].keys() >= {"happy", "sad"}
    if name == "web":
        answers_as_the_app(browser, tmp_path / name)


def answers_as_the_app(browser: "Browser", folder: Path) -> None:
    """Opens an exported page, and its README's example, from the disk and without a network."""
    classifier = Classifier.load(Run(paths.PROJECT / "fer_core/pretrained/residual-cnn"))
    photo, asked = folder / "photo.png", list[str]()
    photo.write_bytes(encode(ASTRONAUT))
    context = browser.new_context(offline=True, permissions=["camera"])
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))

    page.goto((folder / "index.html").as_uri())
    page.get_by_label("Choose a picture").set_input_files(photo)
    box = page.get_by_role("group", name="Box around the face")
    drag(page, from_=(10, 10), to=(140, 140))
    for key in ("ArrowRight", "ArrowDown", "+", "-", "-"):
        box.press(key)
    x, y, side = answered_box(page)
    face = Box(x, y, side, side)
    bars = page.locator("#bars meter").evaluate_all("bars => bars.map((bar) => bar.value)")
    (expected,) = classifier.predict([crop_face(ASTRONAUT, face)])
    assert np.allclose(bars, expected, atol=1e-4)
    sure = expected.max() >= classifier.threshold
    name = classifier.class_names[expected.argmax()] if sure else "not sure"
    assert page.locator("#answer").inner_text() == name
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the picture").click()
    box.wait_for()

    code = (folder / README).read_text(encoding="utf-8").split("```html\n")[1].split("```")[0]
    (folder / "example.html").write_text(code, encoding="utf-8")
    page.goto((folder / "example.html").as_uri())
    page.locator("input").set_input_files(folder / "face.png")
    answer = page.locator("output:not(:empty)")
    answer.wait_for()
    found = json.loads(answer.inner_text())["probabilities"]
    face_alone = np.asarray(Image.open(folder / "face.png"))[None, ..., None]
    (expected,) = classifier.predict_pixels(face_alone)
    named = dict(zip(classifier.class_names, expected, strict=True))
    assert found == pytest.approx(named, abs=1e-4)
    assert {url.split(":")[0] for url in asked} <= {"file", "blob"}
    context.close()


def drag(page: "Page", from_: tuple[int, int], to: tuple[int, int]) -> None:
    """Draws a box on the picture, from a corner to the opposite one."""
    page.locator("#details").wait_for()  # the first answer
    place = page.locator("#picture").bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + from_[0], place["y"] + from_[1])
    page.mouse.down()
    page.mouse.move(place["x"] + to[0], place["y"] + to[1])
    page.mouse.up()


def answered_box(page: "Page") -> tuple[int, int, int]:
    """Returns x, y and side of the box, once the answer is the one for it."""
    box = page.evaluate("[state.box.x, state.box.y, state.box.side].join()")
    page.locator(f"#result[data-box='{box}']").wait_for()
    x, y, side = map(int, box.split(","))
    return x, y, side


def test_the_exported_page_makes_the_same_pixels_of_a_face_as_the_app(page: "Page") -> None:
    page.add_script_tag(path=PAGE / "recognizer.js")
    boxes = (
        Box(181, 63, 117, 117),
        Box(200, 90, 31, 40),
        Box(-5, 400, 96, 96),
        Box(0, 0, 512, 512),
    )
    models = [  # height, width, channels, color, margin
        (48, 48, 1, "gray", 0.0),
        (100, 100, 3, "RGB", 0.25),
        (48, 100, 3, "gray", 0.0),
    ]
    asked, expected = [], []
    for box in boxes:
        for height, width, channels, color, margin in models:
            usage = {"height": height, "width": width, "channels": channels}
            usage |= {"color": color, "crop_margin": margin}
            asked.append((vars(box), usage))
            crop = crop_face(ASTRONAUT, box, margin)
            expected.append(
                face_pixels(crop, (height, width), channels, gray=color == "gray").ravel()
            )
    png = base64.b64encode(encode(ASTRONAUT)).decode()
    found = page.evaluate(MODEL_PIXELS, [png, asked])
    difference = np.abs(np.concatenate(found) - np.concatenate(expected).astype(int))
    # Where a value lies between two numbers, 32 bits may round it otherwise than 64.
    assert difference.max() <= 1 and difference.mean() < 1e-4
