"""Makes the first figure of a page as quick as the later ones."""

import numpy as np
import pandas as pd

from fer_core.expressions import EXPRESSIONS
from fer_core.figures.confusion import confusion_figure
from fer_core.figures.history import history_figure
from fer_core.figures.style import METRICS


def warm_up() -> None:
    """Draws figures without data, since Plotly imports most of its parts with the first ones."""
    empty = pd.DataFrame(columns=["epoch", *METRICS], dtype="float32")
    history_figure(empty, empty).to_json()
    counts = np.zeros((len(EXPRESSIONS), len(EXPRESSIONS)), int)
    confusion_figure(counts, EXPRESSIONS, shares=True).to_json()
