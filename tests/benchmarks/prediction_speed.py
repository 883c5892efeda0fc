"""Compares the speed of face detection and recognition with the package `fer` and its MTCNN.

    python -m tests.benchmarks.prediction_speed --other PYTHON [--rounds 7] [--threads 2] [--run ID]

PYTHON is an interpreter with the other package: `python -m venv other && other/bin/pip install
fer`. Without it only FER Studio is measured. Photos are read from the folder FACE_PHOTOS_DIR. Each
side is a warmed-up process; both are measured in turn, photo by photo, from pixels to
probabilities. The time includes decoding for a video, but not for a photo.

Prints medians of wall and CPU milliseconds. On a busy machine only the CPU time is meaningful, and
only with `--threads 1`, since waiting threads use CPU time, too.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

FACES = {  # photos in FACE_PHOTOS_DIR and how many faces they show
    "astronaut.png": 1,
    "solvay.jpg": 29,
    "solvay_small.jpg": 29,
    "hopper.jpg": 1,
    "hopper_gray.jpg": 1,
    "coffee.png": 0,
}
SIZES = ((640, 480), (1280, 720), (4000, 3000))  # of photos with one face
VIDEO, FRAMES = (
    "face_pexels.mp4",
    48,
)  # one face, 640×360; consecutive frames before the other side's turn
RATE = 24  # frames per second
WARM = 3


class Cost(NamedTuple):
    """The cost of one answer."""

    seconds: float
    processor: float


Look = Callable[[np.ndarray], int]  # takes BGR pixels; returns the number of recognized faces


def main() -> None:
    """Parses the command line and runs the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--other", default="", help="Python interpreter with the package fer")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="for each side")
    parser.add_argument("--run", default="", help="id of a run; default: the pretrained model")
    parser.add_argument("--only", default="", help="only photos whose name contains this")
    parser.add_argument("--photos", type=Path, default=os.environ.get("FACE_PHOTOS_DIR"))
    parser.add_argument("--serve", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        _serve(options.serve, options.threads, options.run)
        return
    if options.photos is None:
        parser.error("FACE_PHOTOS_DIR or --photos must name the folder of photos.")
    with tempfile.TemporaryDirectory() as folder:
        photos = _photos(options.photos, Path(folder))
        sides = {"ours": _start(sys.executable, "ours", options)}
        sides["followed"] = sides["ours"]
        if options.other:
            sides["fer"] = _start(options.other, "fer", options)
        photos = {name: photo for name, photo in photos.items() if options.only in name}
        _compare_photos(sides, photos, options.rounds)
        if options.only in VIDEO:
            _compare_video(sides, options.photos / VIDEO, options.rounds)
        for side in sides.values():
            side.terminate()


def _photos(source: Path, folder: Path) -> dict[str, tuple[Path, int]]:
    """Returns file and number of faces by photo name; one-face photos in three sizes."""
    astronaut = cv2.imread(str(source / "astronaut.png"))
    assert astronaut is not None, f"There is no astronaut.png in {source}."
    photos = {name: (source / name, faces) for name, faces in FACES.items()}
    for width, height in SIZES:
        # The picture is square: scaled to the photo's height, with repeated edges at the sides.
        square = cv2.resize(astronaut, (height, height), interpolation=cv2.INTER_CUBIC)
        beside = (width - height) // 2
        photo = cv2.copyMakeBorder(square, 0, 0, beside, beside, cv2.BORDER_REPLICATE)
        path = folder / f"{width}x{height}.png"
        cv2.imwrite(str(path), photo)
        photos[f"one face, {width}×{height}"] = path, 1
    return photos


def _start(python: str, side: str, options: argparse.Namespace) -> "subprocess.Popen[str]":
    command = [python, "-W", "ignore", str(Path(__file__)), "--serve", side]
    command += ["--threads", str(options.threads), "--run", options.run]
    project = str(Path(__file__).resolve().parents[2]) if side == "ours" else ""
    threads = str(options.threads)
    # Set before any import, for PyTorch, OpenMP and ours.
    limits = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    return subprocess.Popen(
        command,
        env=os.environ | limits | {"PYTHONPATH": project},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    )


def _ask(side: "subprocess.Popen[str]", **question: object) -> dict[str, Any]:
    assert side.stdin is not None
    assert side.stdout is not None
    print(json.dumps(question), file=side.stdin, flush=True)
    for line in side.stdout:  # skip what the package prints itself
        if line.startswith("answer "):
            answer: dict[str, Any] = json.loads(line.removeprefix("answer "))
            return answer
    raise RuntimeError("The process has ended. Run it by hand, with --serve, to see why.")


def _compare_photos(
    sides: "dict[str, subprocess.Popen[str]]", photos: dict[str, tuple[Path, int]], rounds: int
) -> None:
    contenders = [name for name in sides if name != "followed"]
    for photo, (path, faces) in photos.items():
        costs: dict[str, list[Cost]] = {name: [] for name in contenders}
        for number in range(WARM + rounds):
            for name in contenders:
                answer = _ask(sides[name], photo=str(path))
                if number >= WARM:
                    costs[name].append(Cost(*answer["cost"]))
        told = {name: _ask(sides[name], photo=str(path))["faces"] for name in contenders}
        _print_row(photo, costs, {name: f"{told[name]} of {faces}" for name in contenders}, 1)


def _compare_video(sides: "dict[str, subprocess.Popen[str]]", video: Path, rounds: int) -> None:
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for number in range(1 + rounds):
        for name, side in sides.items():
            answer = _ask(side, video=str(video), start=number * FRAMES, follow=name == "followed")
            if number:
                costs[name].append(Cost(*answer["cost"]))
    _print_row(f"a frame of {video.name}", costs, dict.fromkeys(sides, ""), FRAMES)


def _print_row(
    photo: str, costs: dict[str, list[Cost]], told: dict[str, str], pictures: int
) -> None:
    print(photo)  # noqa: T201
    means = {
        name: [1000 * statistics.median(column) / pictures for column in zip(*each, strict=True)]
        for name, each in costs.items()
    }
    for name, (wall, processor) in means.items():
        line = f"    {name:<9} {wall:9.1f} ms {processor:9.1f} ms of the processor   {told[name]}"
        if pictures > 1:
            line += f"{1000 / wall:6.1f} frames/s, {1000 / processor:6.1f} a processor second"
        if "fer" in means and name != "fer":
            line += f"   fer ÷ it: {means['fer'][0] / wall:.1f}, {means['fer'][1] / processor:.1f}"
        print(line, flush=True)  # noqa: T201


def _serve(side: str, threads: int, run: str) -> None:
    """Serves requests until the input ends."""
    cv2.setNumThreads(threads)
    look, follow = SIDES[side](run)
    for line in sys.stdin:
        question = json.loads(line)
        if "photo" in question:
            photo = cv2.imread(question["photo"])
            assert photo is not None
            answer = _timed(look, [photo])
        else:
            looks = follow() if question["follow"] else look
            answer = _timed(looks, _frames(question["video"], question["start"]))
        print("answer", json.dumps(answer), flush=True)  # noqa: T201


def _timed(look: Look, pictures: Iterable[np.ndarray]) -> dict[str, object]:
    """Measures recognition, including decoding if the images come one by one."""
    started, processor = time.perf_counter(), time.process_time()
    faces = sum(look(picture) for picture in pictures)
    cost = Cost(time.perf_counter() - started, time.process_time() - processor)
    return {"faces": faces, "cost": cost}


def _frames(path: str, start: int) -> Iterator[np.ndarray]:
    video = cv2.VideoCapture(path)
    video.set(cv2.CAP_PROP_POS_FRAMES, start % int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
    for _ in range(FRAMES):
        there, frame = video.read()
        if not there:
            video.set(cv2.CAP_PROP_POS_FRAMES, 0)
            _, frame = video.read()
        yield frame
    video.release()


def _ours(run_id: str) -> tuple[Look, Callable[[], Look]]:
    from fer_core.inference.recognition import Classifier, crop_upright, recognize
    from fer_core.inference.tracking import Tracker
    from fer_core.runs.listing import list_runs, open_run
    from fer_core.vision.detection import FaceDetector
    from fer_core.vision.video_detection import FaceFollower

    run = open_run(run_id) if run_id else list_runs()[-1]
    detector, classifier = FaceDetector(), Classifier.load(run)

    def look(picture: np.ndarray) -> int:
        return len(recognize(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), detector, classifier))

    def follow() -> Look:
        follower, tracker = FaceFollower(detector), Tracker()
        moments = (number / RATE for number in count())

        def look_on(frame: np.ndarray) -> int:
            image, seconds = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), next(moments)
            faces = follower.find(image, seconds)
            probabilities = classifier.predict([crop_upright(image, face) for face in faces])
            boxes = [face.box for face in faces]
            return len(tracker.update(seconds, boxes, probabilities))

        return look_on

    return look, follow


def _fer(run_id: str) -> tuple[Look, Callable[[], Look]]:
    from fer.fer import FER

    package = FER(mtcnn=True)

    def look(picture: np.ndarray) -> int:
        return len(package.detect_emotions(picture))

    return look, lambda: look


SIDES: dict[str, Callable[[str], tuple[Look, Callable[[], Look]]]] = {"ours": _ours, "fer": _fer}

if __name__ == "__main__":
    main()
