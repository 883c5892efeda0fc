"""Commands about videos: video."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from fer_core.cli.console import follow, say
from fer_core.cli.runs import find_run
from fer_core.evaluation import threshold_of
from fer_core.inference import VideoSettings, submit_video


def add_commands(commands: Any) -> None:
    """Adds them to the parser."""
    video = commands.add_parser("video", help="expressions of the faces in a video, over time")
    video.add_argument("run", help="the run whose model recognises")
    video.add_argument("file", type=Path, help="an mp4, mov, webm, avi, m4v or mkv")
    video.add_argument("--out", type=Path, help="copy the annotated film and the table there")
    video.add_argument("--every", type=int, default=1, help="look at one frame of so many")
    video.add_argument(
        "--average-views", action="store_true", help="average ten views of each face; slower"
    )
    video.set_defaults(command=_video)


def _video(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    settings = VideoSettings(
        every=options.every,
        threshold=threshold_of(run, averaged=options.average_views) or 0.0,
        tta=options.average_views,
    )
    with options.file.open("rb") as file:
        video = submit_video(run, file, options.file.name, settings)
    code = follow(video)
    summary = video.summary
    if summary is None:
        return code or 1
    say(
        f"{summary.frames:,} frames, {summary.seconds:.1f} s, faces: {summary.faces:,}; "
        f"{summary.rate:.1f} frames a second"
    )
    for file in (video.annotated_file, video.table_file):
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            file = Path(shutil.copy(file, options.out / f"{options.file.stem}-{file.name}"))
        say(str(file))
    return code
