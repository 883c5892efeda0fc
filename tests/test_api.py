"""What a notebook gets from `import fer_core`."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import fer_core
from fer_core import api
from fer_core.storage import paths
from fer_core.tasks import queue
from fer_core.tasks.task import TaskState
from tests.datasets.trees import write_tree


@pytest.fixture(autouse=True)
def pretrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses the pretrained model that ships, and starts no background process."""
    monkeypatch.setattr(paths, "pretrained_root", lambda: paths.PROJECT / "fer_core/pretrained")
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def test_faces_are_recognized_in_an_array_a_file_and_its_bytes(tmp_path: Path) -> None:
    photo = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(photo)
    (recognition,) = fer_core.recognize_faces(data.astronaut())
    assert recognition.expression == "happy" and recognition.probability > 0.5
    box = recognition.face.box
    assert (box.x, box.y) == pytest.approx((181, 63), abs=10) and box.width > 60
    classifier = fer_core.load_classifier("residual-cnn")
    for image in (photo, str(photo), photo.read_bytes()):
        (again,) = fer_core.recognize_faces(image, classifier)
        assert np.isclose(again.probability, recognition.probability, atol=1e-4)


def test_a_dataset_is_imported_and_a_run_is_queued(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "faces", {"train/happy": 4, "train/sad": 4})
    dataset = fer_core.import_dataset(folder)
    assert dataset.name == "faces" and fer_core.list_datasets() == [dataset]
    run = fer_core.train(dataset, recipe="cnn_classic", epochs=2)
    assert run.state is TaskState.QUEUED and run.config.epochs == 2
    assert fer_core.open_run(run.id) == run and run in fer_core.list_runs()
    with pytest.raises(fer_core.FerError, match="must finish an epoch"):
        fer_core.load_classifier(run)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("nothing",), "nothing"), (("nothing", "no_recipe"), "`recipe` must be one of")],
)
def test_an_impossible_training_is_refused_at_once(
    arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(fer_core.FerError, match=message):
        fer_core.train(*arguments)


def test_without_a_pretrained_model_a_classifier_must_be_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(paths, "pretrained_root", lambda: tmp_path)
    with pytest.raises(fer_core.FerError, match="No pretrained model is installed"):
        api.load_classifier()
