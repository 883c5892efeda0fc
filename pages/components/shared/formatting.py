"""Times, sizes and states as a person says them."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from fer_core.runs import COMPLETED, EARLY_STOPPED, RECIPES, STOPPED, Run, TrainConfig
from fer_core.tasks import TaskState
from fer_core.text import SPLIT_NAMES

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

_REASONS = {COMPLETED: "completed", EARLY_STOPPED: "stopped early", STOPPED: "stopped"}


def plain(text: str) -> str:
    """The text with every sign made harmless that Markdown would understand within a line."""
    # Streamlit looks for its emoji, as :smile:, where a backslash is gone already.
    text = re.sub(r":(?=[\w+/-]+:)", ":\N{WORD JOINER}", text)
    return re.sub(r"([\\`*_{}\[\]<>$~|&#]|:(?=\w))", r"\\\1", text)


def spoken_duration(duration: timedelta) -> str:
    """For example "40 s", "12 min", "3 h 5 min" or "2 d 4 h"; the two largest units at most."""
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes >= 2 else f"{60 * minutes + seconds} s"


def spoken_end(seconds_left: float) -> str:
    """The time of day at which it ends, with the day where that is another one."""
    now = datetime.now()
    end = now + timedelta(seconds=seconds_left)
    return f"{end:%H:%M}" if end.date() == now.date() else f"{end:%d %b, %H:%M}"


def spoken_clock(seconds: float) -> str:
    """Minutes and seconds, as "1:05"; hours before them where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def spoken_size(size: int) -> str:
    """Bytes as "512 KB", "80 MB" or "1.2 GB"."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} KB"
    return f"{size / 1e6:.0f} MB" if size < 1_000_000_000 else f"{size / 1e9:.1f} GB"


def spoken_title(run: Run) -> str:
    """What was trained on what."""
    config = run.config
    return f"{spoken_recipe(config)} on {config.dataset}"


def spoken_recipe(config: TrainConfig) -> str:
    """The recipe's title, or the architecture where it is none of ours."""
    recipe = RECIPES.get(config.recipe)
    return recipe.title if recipe else config.architecture


def spoken_run(run: Run) -> str:
    """What a person called it, else what was trained on what and when, told apart from others."""
    if run.name != run.id:
        return run.name
    time, _, rest = run.id.partition("_")
    # Two runs of the same second have a number at the end of their ids.
    number = rest.removeprefix(f"{run.config.recipe}_{run.config.dataset}").removeprefix("-")
    return f"{spoken_title(run)} · {_spoken_time(time)}" + (f" ({number})" if number else "")


def _spoken_time(text: str) -> str:
    """The time in a run's id, with the year where it is another one."""
    try:
        time = datetime.strptime(text, "%Y%m%d-%H%M%S")
    except ValueError:  # a folder that a person has called something else
        return text
    year = "" if time.year == datetime.now().year else f" {time.year}"
    return f"{time.day} {time:%b}{year}, {time:%H:%M:%S}"


def spoken_state(run: Run) -> str:
    """The state; of a finished run, how it came to its end."""
    state = run.state
    result = run.result if state is TaskState.FINISHED else None
    return spoken_end_state(state, result.reason if result else "")


def spoken_end_state(state: TaskState, reason: str) -> str:
    """The state, or the reason of its end where there is one, as `Result` gives it."""
    return _REASONS.get(reason, reason) or str(state)


def listed(words: Sequence[str]) -> str:
    """For example "A", "A and B" or "A, B and C"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def spoken_range(low: float, high: float) -> str:
    """Two shares as "61.2% to 64.9%"."""
    return f"{low:.1%} to {high:.1%}"


SPLITS = SPLIT_NAMES
