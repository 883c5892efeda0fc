from . import architectures as architectures
from .architectures import backbone_and_head as backbone_and_head
from .architectures import begin_stage as begin_stage
from .architectures import build_model as build_model
from .architectures import copy_initial_weights as copy_initial_weights
from .architectures import in_float32 as in_float32
from .architectures import label_model as label_model
from .architectures import load_model as load_model
from .architectures import resave_model as resave_model
from .architectures import save_model as save_model
from .architectures import to_stock_model as to_stock_model
from .architectures import trained_layers as trained_layers
from .augmentation import augment as augment
from .augmentation import augment_view as augment_view
from .augmentation import augmentation_examples as augmentation_examples
from .augmentation import draw_augmentation as draw_augmentation
from .blueprint import Blueprint as Blueprint
from .blueprint import Layer as Layer
from .blueprint import checked_settings as checked_settings
from .blueprint import group_name as group_name
from .blueprint import open_blueprint as open_blueprint
from .hdf5 import check_tree as check_tree
from .hdf5 import read_text as read_text
from .hdf5 import read_texts as read_texts
from .hdf5 import read_weights as read_weights
from .model_file import read_members as read_members
from .onnx_export import UnsupportedModelError as UnsupportedModelError
from .onnx_export import layer_shapes as layer_shapes
from .onnx_model import OnnxModel as OnnxModel
from .onnx_model import load_for_prediction as load_for_prediction
from .onnx_model import reason_for_keras as reason_for_keras
from .onnx_model import to_onnx as to_onnx
from .optimizers import make_optimizer as make_optimizer
from .prediction import Images as Images
from .prediction import Model as Model
from .prediction import predict as predict
from .prediction import prediction_batch_size as prediction_batch_size
from .tta import predict_tta as predict_tta

__all__ = [
    "Blueprint",
    "Layer",
    "UnsupportedModelError",
    "check_tree",
    "checked_settings",
    "group_name",
    "layer_shapes",
    "open_blueprint",
    "read_members",
    "read_text",
    "read_texts",
    "read_weights",
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
    "label_model",
    "load_for_prediction",
    "reason_for_keras",
    "load_model",
    "make_optimizer",
    "predict",
    "predict_tta",
    "prediction_batch_size",
    "resave_model",
    "save_model",
    "to_onnx",
    "to_stock_model",
    "trained_layers",
]
