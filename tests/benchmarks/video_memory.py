"""Measures memory and speed over a long video, made by repeating a short one.

FACE_PHOTOS_DIR=… python -m tests.benchmarks.video_memory [--video FILE] [--frames 10000]

Prints the growth of the process's own memory from frame 1000, when everything is warmed up, to the
last frame, and both wall and CPU seconds, since the machine may be busy.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import av
import psutil

WARM = 1000  # frames


def repeated(source: Path, target: Path, frames: int) -> None:
    """Writes a video of at least that many frames by repeating a short one."""
    with av.open(str(target), "w") as output:
        stream, offset, done = None, 0, 0
        while done < frames:
            with av.open(str(source)) as short:
                pictures = short.streams.video[0]
                if stream is None:
                    stream = output.add_stream_from_template(pictures)
                step = round(1 / (pictures.average_rate * pictures.time_base))
                for packet in short.demux(pictures):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = stream
                    output.mux(packet)
                    done += 1
            offset = done * step


def main() -> None:
    """Processes the long video in a temporary workspace and prints the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    photos = Path(os.environ.get("FACE_PHOTOS_DIR", "."))
    parser.add_argument("--video", type=Path, default=photos / "face_pexels.mp4")
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--run", default="residual-cnn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["FER_HOME"] = home
        long = Path(home) / "long.mp4"
        repeated(options.video, long, options.frames)
        measure(long, options.run)


def measure(long: Path, run_id: str) -> None:
    """Prints memory and speed every thousand frames, and the total growth."""
    from fer_core import runs
    from fer_core.inference import videos
    from fer_core.inference.recognition import Classifier
    from fer_core.inference.video_io import VideoReader
    from fer_core.inference.video_task import recognize_video
    from fer_core.tasks import queue
    from fer_core.vision.detection import FaceDetector

    queue.ensure_supervisor = lambda: None  # this process does the work
    run = runs.open_run(run_id)
    with long.open("rb") as file:
        video = videos.submit_video(run, file, long.name, videos.VideoSettings())
    process, sizes, marks = psutil.Process(), {}, []
    started = time.monotonic()

    def tell(progress: object) -> bool:
        done = progress.done
        used = process.cpu_times()
        marks.append((done, used.user + used.system))
        if done >= WARM * (len(sizes) + 1):
            sizes[done] = process.memory_info().rss / 1e6
            seconds = time.monotonic() - started
            print(f"{done:6,.0f} frames  {sizes[done]:7.1f} MB  {seconds:7.1f} s", flush=True)  # noqa: T201
        return True

    classifier = Classifier.load(run)
    with VideoReader(video.source) as reader:
        summary = recognize_video(reader, video, FaceDetector(), classifier, tell)
    first, last = next(iter(sizes.values())), process.memory_info().rss / 1e6
    frames, used = (marks[-1][i] - marks[0][i] for i in (0, 1))
    print(  # noqa: T201
        f"{summary.frames:,} frames, {summary.faces} faces: memory grew by {last - first:.1f} MB "
        f"after the first {WARM:,}; {1e3 * used / frames:.1f} processor milliseconds a frame; "
        f"{summary.rate:.1f} frames a second of the wall's"
    )


if __name__ == "__main__":
    main()
