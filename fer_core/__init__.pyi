from .api import import_dataset as import_dataset
from .api import load_classifier as load_classifier
from .api import recognize_faces as recognize_faces
from .api import train as train
from .datasets import Dataset as Dataset
from .datasets import list_datasets as list_datasets
from .datasets import open_dataset as open_dataset
from .datasets.synthetic import draw_dataset as draw_dataset
from .errors import FerError as FerError
from .inference import Classifier as Classifier
from .inference import Recognition as Recognition
from .runs import RECIPES as RECIPES
from .runs import Augmentation as Augmentation
from .runs import Run as Run
from .runs import TrainConfig as TrainConfig
from .runs import list_runs as list_runs
from .runs import open_run as open_run
from .runs import submit_run as submit_run

__version__: str

__all__ = [
    "Augmentation",
    "Classifier",
    "Dataset",
    "FerError",
    "RECIPES",
    "Recognition",
    "Run",
    "TrainConfig",
    "draw_dataset",
    "import_dataset",
    "list_datasets",
    "list_runs",
    "load_classifier",
    "open_dataset",
    "open_run",
    "recognize_faces",
    "submit_run",
    "train",
]
