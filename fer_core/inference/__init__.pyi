from . import feature_map_task as feature_map_task
from . import live as live
from . import photos as photos
from . import recognition as recognition
from . import video_io as video_io
from . import videos as videos
from .grad_cam import compute_grad_cam as compute_grad_cam
from .live import LONGER_SIDE as LONGER_SIDE
from .live import SPAN as SPAN
from .live import FrameFunction as FrameFunction
from .live import LiveRecognizer as LiveRecognizer
from .live import Moment as Moment
from .live_pipeline import FramePipeline as FramePipeline
from .photo_results import PhotoResult as PhotoResult
from .photo_results import results_json as results_json
from .photo_results import results_table as results_table
from .photo_results import zip_annotated as zip_annotated
from .photos import ARCHIVE as ARCHIVE
from .photos import Photo as Photo
from .photos import PhotoBatch as PhotoBatch
from .photos import read_uploads as read_uploads
from .recognition import Classifier as Classifier
from .recognition import FaceBatch as FaceBatch
from .recognition import Recognition as Recognition
from .recognition import annotate as annotate
from .recognition import cut_out as cut_out
from .recognition import recognitions_table as recognitions_table
from .tracking import Tracked as Tracked
from .video_table import SHORT as SHORT
from .video_table import FaceSummary as FaceSummary
from .video_table import course as course
from .video_table import read_video_table as read_video_table
from .video_table import summarize_faces as summarize_faces
from .videos import MOST_EVERY as MOST_EVERY
from .videos import VIDEO_SUFFIXES as VIDEO_SUFFIXES
from .videos import Summary as Summary
from .videos import Video as Video
from .videos import VideoSettings as VideoSettings
from .videos import begin_again as begin_again
from .videos import list_videos as list_videos
from .videos import submit_video as submit_video

__all__ = [
    "ARCHIVE",
    "Classifier",
    "VIDEO_SUFFIXES",
    "FaceBatch",
    "PhotoBatch",
    "LONGER_SIDE",
    "LiveRecognizer",
    "FrameFunction",
    "FramePipeline",
    "MOST_EVERY",
    "Moment",
    "Photo",
    "Recognition",
    "PhotoResult",
    "SHORT",
    "SPAN",
    "FaceSummary",
    "Summary",
    "Tracked",
    "Video",
    "VideoSettings",
    "annotate",
    "results_json",
    "results_table",
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
    "summarize_faces",
    "submit_video",
    "read_uploads",
    "video_io",
    "videos",
    "zip_annotated",
]
