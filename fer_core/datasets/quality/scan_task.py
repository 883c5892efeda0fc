"""Runs quality scans and face searches as tasks in their own process."""

from collections.abc import Callable
from datetime import datetime

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.quality.scan import scan
from fer_core.datasets.quality.scan_results import (
    FaceSearch,
    face_search_file,
    images_key,
    make_folder,
    save,
)
from fer_core.datasets.registry import open_dataset
from fer_core.errors import FerError
from fer_core.storage import write_json
from fer_core.tasks import ProgressReporter, Task

HasFace = Callable[[np.ndarray], bool]


def run_scan(task: Task) -> None:
    """Runs a task of kind "examine".

    Its arguments are `dataset`, a name, and `faces`: 0 to scan all images, or in how many images
    to search for a face with MTCNN.

    Raises:
        FerError: as `scan` or `search_faces`.
    """
    if task.request is None:
        raise FerError(f"The request of task {task.id} is missing or damaged. Start it again.")
    name, faces = task.request.arguments["dataset"], int(task.request.arguments.get("faces", 0))
    report = ProgressReporter(task)
    if faces:
        report(0, faces, "Loading the face detector …")
        search_faces(open_dataset(name), faces, _detector(), report)
    else:
        scan(name, report)
    write_json(task.directory / "result.json", {"dataset": name})


def search_faces(
    dataset: Dataset,
    count: int,
    has_face: HasFace,
    report: Callable[[int, int, str], None],
    seed: int = 0,
) -> FaceSearch:
    """Searches for a face in a random sample of the images and saves where there is one.

    Unreadable images are left out of the sample; the scan reports them.

    Raises:
        FerError: the count is not positive, or the dataset was deleted.
    """
    if count < 1:
        raise FerError(f"The number of images to search must be at least 1. Received: {count}")
    drawn = np.random.default_rng(seed).permutation(len(dataset.index))[:count]
    started, found = datetime.now().isoformat(), dict[int, bool]()
    for done, position in enumerate(np.sort(drawn).tolist()):
        report(done, len(drawn), f"Searched {done:,} of {len(drawn):,} images for a face")
        try:
            image = dataset.image(position)
        except FerError:
            continue
        found[position] = has_face(image)
    positions, answers = np.array(list(found), np.int64), np.array(list(found.values()), bool)
    search = FaceSearch(images_key(dataset.index), started, positions, answers)
    make_folder(dataset)
    save(face_search_file(dataset), search)
    return search


def _detector() -> HasFace:
    from fer_core.vision import FaceDetector  # loads onnxruntime, which few scans need

    detector = FaceDetector()
    return lambda image: bool(detector.detect(image))
