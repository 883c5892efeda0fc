"""Formats times, sizes, names and states for the screen."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from fer_core import access
from fer_core.runs import (
    COMPLETED,
    EARLY_STOPPED,
    MODEL_IMPORTED,
    PRUNED,
    SEED_SUFFIX,
    STOPPED,
    Run,
    TrainConfig,
    recipe_title,
)
from fer_core.storage import paths
from fer_core.tasks import TaskState
from fer_core.text import SPLIT_NAMES, visible

# :smile:, http://…, www.…, name@site
_REPLACED = re.compile(r":(?=[\w+/-]+:|//)|www(?=\.)|@(?=[-\w])", re.IGNORECASE)

BadgeColor = Literal["gray", "blue", "orange", "green", "red"]

STATE_COLORS: dict[TaskState, BadgeColor] = {
    TaskState.QUEUED: "gray",
    TaskState.RUNNING: "blue",
    TaskState.STOPPING: "orange",
    TaskState.FINISHED: "green",
    TaskState.FAILED: "red",
    TaskState.INTERRUPTED: "orange",
    TaskState.CANCELLED: "gray",
}

_DATASET_NAMES = {"fer2013": "FER2013", "rafdb": "RAF-DB", "raf-db": "RAF-DB"}
_REASONS = {COMPLETED: "completed", EARLY_STOPPED: "stopped early", STOPPED: "stopped"}
_REASONS |= {PRUNED: "pruned", MODEL_IMPORTED: "imported"}


def plain(text: str) -> str:
    """Returns Markdown that shows the text literally, in one line.

    For every name and every message with one: of files, classes, datasets, runs, and what users
    enter. In a label, a tooltip or a sentence, none of it becomes a link, an image or a color.
    """
    text = _shown(text)
    # These are replaced in the text that is left when Markdown has removed the backslashes.
    text = _REPLACED.sub("\\g<0>\N{WORD JOINER}", text)
    text = re.sub(r"([\\`*{}\[\]<>$~|&#!]|:(?=\w)|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)
    text = re.sub(r"^([-+])", r"\\\1", text)  # of a list, or a line
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", text)


def without_links(markdown: str) -> str:
    """Returns Markdown whose links, images and directives are shown as text; the rest stays."""
    markdown = _REPLACED.sub("\\g<0>\N{WORD JOINER}", markdown)
    return re.sub(r"\](?=[(\[:])|(?<=\w)(?=\[)|(?=[<$])", r"\g<0>\\", markdown)


def code(text: str) -> str:
    """Returns Markdown that shows the text literally, as code: for paths and commands."""
    text = _shown(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def _shown(text: str) -> str:
    """Returns the text in one visible line, for strangers without the folders of this machine."""
    permissions = access.current()
    if permissions.is_public:
        text = permissions.without_paths(text, paths.workspace())
    return visible(" ".join(text.split()))


def badge(text: str, color: BadgeColor = "blue", icon: str = "") -> str:
    """Returns Markdown of a badge that shows the text literally.

    `st.badge` escapes brackets, also those that are escaped already, which makes them active.
    """
    return f":{color}-badge[{f'{icon} {plain(text)}'.strip()}]"


def file_name(stem: str, suffix: str) -> str:
    """Returns a name for a download that every system takes."""
    name = re.sub(r"[^\w.() -]+", "_", stem).strip(". ")
    return f"{name or 'file'}{suffix}"


def format_duration(duration: timedelta) -> str:
    """Returns "40 s", "12 min", "3 h 5 min" or "2 d 4 h": at most the two largest units."""
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes >= 2 else f"{60 * minutes + seconds} s"


def format_end_time(seconds_left: float) -> str:
    """Returns the local time in that many seconds: "14:05", or "29 Nov, 14:05" on another day."""
    now = datetime.now()
    end = now + timedelta(seconds=seconds_left)
    return f"{end:%H:%M}" if end.date() == now.date() else f"{end:%d %b, %H:%M}"


def format_clock(seconds: float) -> str:
    """Returns minutes and seconds as "1:05", from one hour on as "1:01:05"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_size(size: int) -> str:
    """Returns a size in bytes as "512 KB", "80 MB" or "1.2 GB"."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} KB"
    return f"{size / 1e6:.0f} MB" if size < 1_000_000_000 else f"{size / 1e9:.1f} GB"


def format_run_title(run: Run) -> str:
    """Returns the recipe and the dataset of a run: "Classic CNN on faces"."""
    config = run.config
    where = f" on {config.dataset}" if config.dataset else ""
    return f"{format_recipe(config)}{where}"


def format_dataset(name: str) -> str:
    """Returns how a published dataset is usually written; other names as they are."""
    return _DATASET_NAMES.get(name, name)


def format_recipe(config: TrainConfig) -> str:
    """Returns the recipe's title; the architecture if the recipe is unknown."""
    return "Ensemble" if config.family == "ensemble" else recipe_title(config)


def format_run(run: Run) -> str:
    """Returns a run's name; without one, its recipe, dataset and submission time."""
    if run.name != run.id:
        return run.name
    time, _, rest = run.id.partition("_")
    # Runs submitted together end with their seed, others of the same second with a number.
    end = rest.removeprefix(f"{run.config.recipe}_{run.config.dataset}")
    number = end.replace(SEED_SUFFIX, "seed ", 1).removeprefix("-")
    if run.trial is not None:
        number = f"trial {run.trial.number + 1}"
    return f"{format_run_title(run)} · {_format_time(time)}" + (f" ({number})" if number else "")


def _format_time(text: str) -> str:
    """Returns the time in a run's id, with the year unless it is this year."""
    try:
        time = datetime.strptime(text, "%Y%m%d-%H%M%S")
    except ValueError:  # a folder that was renamed
        return text
    year = "" if time.year == datetime.now().year else f" {time.year}"
    return f"{time.day} {time:%b}{year}, {time:%H:%M:%S}"


def format_run_state(run: Run) -> str:
    """Returns the state of a run; of a finished one, why it ended."""
    state = run.state
    result = run.result if state is TaskState.FINISHED else None
    return format_state(state, result.reason if result else "")


def format_state(state: TaskState, reason: str) -> str:
    """Returns the reason of `Result` for the end of a run, or the state if there is none."""
    return _REASONS.get(reason, reason) or str(state)


def format_list(words: Sequence[str]) -> str:
    """Returns "A", "A and B" or "A, B and C"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def format_range(low: float, high: float) -> str:
    """Returns two fractions as "61.2% to 64.9%"."""
    return f"{low:.1%} to {high:.1%}"


SPLITS = SPLIT_NAMES
