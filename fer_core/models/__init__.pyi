from . import architectures as architectures
from .architectures import Images as Images
from .architectures import backbone_and_head as backbone_and_head
from .architectures import begin_stage as begin_stage
from .architectures import build_model as build_model
from .architectures import copy_initial_weights as copy_initial_weights
from .architectures import images_at_once as images_at_once
from .architectures import in_float32 as in_float32
from .architectures import load_model as load_model
from .architectures import predict as predict
from .architectures import save_model as save_model
from .architectures import trained_layers as trained_layers
from .augmentation import augment as augment
from .augmentation import augment_view as augment_view
from .augmentation import examples as examples
from .optimizers import make_optimizer as make_optimizer
from .tta import predict_tta as predict_tta

__all__ = [
    "Images",
    "architectures",
    "augment",
    "augment_view",
    "backbone_and_head",
    "begin_stage",
    "copy_initial_weights",
    "build_model",
    "examples",
    "images_at_once",
    "in_float32",
    "load_model",
    "make_optimizer",
    "predict",
    "predict_tta",
    "save_model",
    "trained_layers",
]
