from . import architectures as architectures
from .architectures import backbone_and_head as backbone_and_head
from .architectures import begin_stage as begin_stage
from .architectures import build_model as build_model
from .architectures import copy_initial_weights as copy_initial_weights
from .architectures import in_float32 as in_float32
from .architectures import load_model as load_model
from .architectures import save_model as save_model
from .architectures import to_stock_model as to_stock_model
from .architectures import trained_layers as trained_layers
from .augmentation import augment as augment
from .augmentation import augment_view as augment_view
from .augmentation import augmentation_examples as augmentation_examples
from .augmentation import draw_augmentation as draw_augmentation
from .onnx_model import OnnxModel as OnnxModel
from .onnx_model import load_for_prediction as load_for_prediction
from .onnx_model import to_onnx as to_onnx
from .optimizers import make_optimizer as make_optimizer
from .prediction import Images as Images
from .prediction import Model as Model
from .prediction import predict as predict
from .prediction import prediction_batch_size as prediction_batch_size
from .tta import predict_tta as predict_tta

__all__ = [
    "Images",
    "Model",
    "OnnxModel",
    "architectures",
    "augment",
    "augment_view",
    "backbone_and_head",
    "begin_stage",
    "build_model",
    "copy_initial_weights",
    "augmentation_examples",
    "draw_augmentation",
    "in_float32",
    "load_for_prediction",
    "load_model",
    "make_optimizer",
    "predict",
    "predict_tta",
    "prediction_batch_size",
    "save_model",
    "to_onnx",
    "to_stock_model",
    "trained_layers",
]
