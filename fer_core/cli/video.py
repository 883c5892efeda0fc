"""The command that annotates a video: video."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from fer_core.cli.console import RUN_HELP, add_tta_option, echo, follow
from fer_core.cli.runs import find_run
from fer_core.evaluation import threshold_of
from fer_core.inference import VideoSettings, submit_video
from fer_core.storage import defused_csv, open_regular
from fer_core.text import counted


def add_commands(commands: Any) -> None:
    """Adds the command to the parser."""
    video = commands.add_parser("video", help="recognize expressions in a video")
    video.add_argument("run", help=RUN_HELP)
    video.add_argument("file", type=Path, help="an .mp4, .mov, .webm, .avi, .m4v or .mkv file")
    video.add_argument(
        "--out", type=Path, metavar="FOLDER", help="copy the annotated video and the table there"
    )
    video.add_argument(
        "--every", type=int, default=1, metavar="N", help="process every Nth frame (default: 1)"
    )
    add_tta_option(video, "use test-time augmentation (10 views); slower")
    video.set_defaults(command=_video)


def _video(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    settings = VideoSettings(
        every=options.every,
        threshold=threshold_of(run, tta=options.tta) or 0.0,
        tta=options.tta,
    )
    with open_regular(options.file) as source:
        video = submit_video(run, source, options.file.name, settings)
    code = follow(video)
    summary = video.summary
    if summary is None:
        return code or 1
    echo(
        f"{summary.frames:,} frames, {summary.seconds:.1f} s, faces: {summary.faces:,}; "
        f"{summary.rate:.1f} frames per second"
    )
    if summary.damaged:
        echo(f"{counted(summary.damaged, 'damaged part')} of the file could not be read.")
    if summary.shortened:
        echo(
            f"The annotated video is {summary.shortened:,.0f} s shorter than the file: pauses of "
            "more than a minute are cut to a minute. The table has the times of the file."
        )
    for file in (video.annotated_file, video.table_file):
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            file = _export(file, options.out / f"{options.file.stem}-{file.name}")
        echo(str(file))
    return code


def _export(file: Path, target: Path) -> Path:
    """Copies a result; returns the copy. A table gets no cell that a spreadsheet would run."""
    if file.suffix == ".csv":
        target.write_text(defused_csv(file.read_text(encoding="utf-8")), encoding="utf-8")
        return target
    return Path(shutil.copy(file, target))
