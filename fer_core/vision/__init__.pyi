from . import image_stats as image_stats
from . import images as images
from .decoding_process import decode_large_elsewhere as decode_large_elsewhere
from .detection import MIN_CONFIDENCE as MIN_CONFIDENCE
from .detection import SURE_CONFIDENCE as SURE_CONFIDENCE
from .detection import Face as Face
from .detection import FaceDetector as FaceDetector
from .detection import min_face_size as min_face_size
from .drawing import SCREEN_SIDE as SCREEN_SIDE
from .drawing import draw_boxes as draw_boxes
from .drawing import overlay_heatmap as overlay_heatmap
from .drawing import tile as tile
from .head_pose import HeadPose as HeadPose
from .head_pose import head_pose as head_pose
from .image_limits import MAX_IMAGE_BYTES as MAX_IMAGE_BYTES
from .image_limits import MAX_PIXELS as MAX_PIXELS
from .image_stats import Appearance as Appearance
from .image_stats import ImageStats as ImageStats
from .image_stats import compute_image_stats as compute_image_stats
from .image_stats import measure_image as measure_image
from .image_stats import sampled as sampled
from .images import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from .images import MARGIN as MARGIN
from .images import Box as Box
from .images import check_rgb as check_rgb
from .images import crop_face as crop_face
from .images import decode as decode
from .images import encode as encode
from .images import face_pixels as face_pixels
from .images import resize as resize
from .video_detection import DETECT_EVERY as DETECT_EVERY
from .video_detection import CutDetector as CutDetector
from .video_detection import FaceFollower as FaceFollower

__all__ = [
    "Appearance",
    "Box",
    "MARGIN",
    "MIN_CONFIDENCE",
    "SURE_CONFIDENCE",
    "CutDetector",
    "DETECT_EVERY",
    "Face",
    "FaceDetector",
    "FaceFollower",
    "HeadPose",
    "head_pose",
    "IMAGE_SUFFIXES",
    "MAX_IMAGE_BYTES",
    "MAX_PIXELS",
    "SCREEN_SIDE",
    "ImageStats",
    "measure_image",
    "check_rgb",
    "crop_face",
    "decode",
    "decode_large_elsewhere",
    "draw_boxes",
    "encode",
    "face_pixels",
    "image_stats",
    "images",
    "overlay_heatmap",
    "resize",
    "sampled",
    "min_face_size",
    "compute_image_stats",
    "tile",
]
