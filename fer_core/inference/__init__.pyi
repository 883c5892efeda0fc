from . import feature_map_task as feature_map_task
from . import live as live
from . import photos as photos
from . import recognition as recognition
from . import video_io as video_io
from . import videos as videos
from .grad_cam import compute_grad_cam as compute_grad_cam
from .live import LONGER_SIDE as LONGER_SIDE
from .live import SPAN as SPAN
from .live import LiveRecognizer as LiveRecognizer
from .live import Look as Look
from .live import Moment as Moment
from .live_pipeline import Looker as Looker
from .photo_results import Recognized as Recognized
from .photo_results import as_json as as_json
from .photo_results import as_table as as_table
from .photo_results import zip_annotated as zip_annotated
from .photos import ARCHIVE as ARCHIVE
from .photos import Given as Given
from .photos import Photo as Photo
from .photos import take_photos as take_photos
from .recognition import Classifier as Classifier
from .recognition import FaceBatch as FaceBatch
from .recognition import Recognition as Recognition
from .recognition import annotate as annotate
from .recognition import cut_out as cut_out
from .recognition import recognitions_table as recognitions_table
from .tracking import Tracked as Tracked
from .video_table import SHORT as SHORT
from .video_table import SeenFace as SeenFace
from .video_table import course as course
from .video_table import read_video_table as read_video_table
from .video_table import seen_faces as seen_faces
from .videos import FILM_SUFFIXES as FILM_SUFFIXES
from .videos import MOST_EVERY as MOST_EVERY
from .videos import STOPPED as STOPPED
from .videos import Summary as Summary
from .videos import Video as Video
from .videos import VideoSettings as VideoSettings
from .videos import begin_again as begin_again
from .videos import list_videos as list_videos
from .videos import submit_video as submit_video

__all__ = [
    "ARCHIVE",
    "Classifier",
    "FILM_SUFFIXES",
    "FaceBatch",
    "Given",
    "LONGER_SIDE",
    "LiveRecognizer",
    "Look",
    "Looker",
    "MOST_EVERY",
    "Moment",
    "Photo",
    "Recognition",
    "Recognized",
    "SHORT",
    "SPAN",
    "STOPPED",
    "SeenFace",
    "Summary",
    "Tracked",
    "Video",
    "VideoSettings",
    "annotate",
    "as_json",
    "as_table",
    "begin_again",
    "compute_grad_cam",
    "course",
    "cut_out",
    "feature_map_task",
    "list_videos",
    "live",
    "photos",
    "read_video_table",
    "recognition",
    "recognitions_table",
    "seen_faces",
    "submit_video",
    "take_photos",
    "video_io",
    "videos",
    "zip_annotated",
]
