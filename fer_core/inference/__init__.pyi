from . import feature_map_task as feature_map_task
from . import live as live
from . import photos as photos
from . import recognition as recognition
from . import video_io as video_io
from . import videos as videos
from .frame_pipeline import FramePipeline as FramePipeline
from .frame_pipeline import LivePipeline as LivePipeline
from .grad_cam import compute_grad_cam as compute_grad_cam
from .live import FRAME_SIDE as FRAME_SIDE
from .live import HISTORY_SECONDS as HISTORY_SECONDS
from .live import MAX_RUNNING as MAX_RUNNING
from .live import FrameFunction as FrameFunction
from .live import FrameResult as FrameResult
from .live import LiveRecognizer as LiveRecognizer
from .live import running_recognizers as running_recognizers
from .numbering_proposal import propose_numbering as propose_numbering
from .photo_results import PhotoResult as PhotoResult
from .photo_results import PhotoSettings as PhotoSettings
from .photo_results import results_json as results_json
from .photo_results import results_table as results_table
from .photo_results import zip_annotated as zip_annotated
from .photos import ARCHIVE_SUFFIX as ARCHIVE_SUFFIX
from .photos import Photo as Photo
from .photos import PhotoBatch as PhotoBatch
from .photos import read_uploads as read_uploads
from .recognition import Classifier as Classifier
from .recognition import FaceBatch as FaceBatch
from .recognition import FaceCrop as FaceCrop
from .recognition import Recognition as Recognition
from .recognition import annotate as annotate
from .recognition import crop_upright as crop_upright
from .recognition import recognitions_table as recognitions_table
from .recognition_task import RecognitionTask as RecognitionTask
from .recognition_task import recognition_request as recognition_request
from .tracking import TrackedFace as TrackedFace
from .tracking_pipeline import TrackingPipeline as TrackingPipeline
from .tracking_pipeline import batched_frames as batched_frames
from .video_io import Frame as Frame
from .video_io import VideoReader as VideoReader
from .video_table import BRIEF_SECONDS as BRIEF_SECONDS
from .video_table import AnswerSpell as AnswerSpell
from .video_table import FaceSummary as FaceSummary
from .video_table import answer_spells as answer_spells
from .video_table import face_cells as face_cells
from .video_table import probability_curve as probability_curve
from .video_table import read_video_table as read_video_table
from .video_table import summarize_faces as summarize_faces
from .video_table import table_columns as table_columns
from .videos import MAX_FRAME_STEP as MAX_FRAME_STEP
from .videos import VIDEO_SUFFIXES as VIDEO_SUFFIXES
from .videos import Summary as Summary
from .videos import Video as Video
from .videos import VideoSettings as VideoSettings
from .videos import list_videos as list_videos
from .videos import restart_video as restart_video
from .videos import submit_video as submit_video

__all__ = [
    "ARCHIVE_SUFFIX",
    "Classifier",
    "VIDEO_SUFFIXES",
    "FaceBatch",
    "FaceCrop",
    "LivePipeline",
    "PhotoBatch",
    "FRAME_SIDE",
    "LiveRecognizer",
    "MAX_RUNNING",
    "running_recognizers",
    "FrameFunction",
    "FramePipeline",
    "MAX_FRAME_STEP",
    "FrameResult",
    "Photo",
    "Recognition",
    "RecognitionTask",
    "PhotoResult",
    "PhotoSettings",
    "AnswerSpell",
    "BRIEF_SECONDS",
    "HISTORY_SECONDS",
    "FaceSummary",
    "Summary",
    "TrackedFace",
    "TrackingPipeline",
    "batched_frames",
    "Frame",
    "VideoReader",
    "Video",
    "VideoSettings",
    "annotate",
    "answer_spells",
    "results_json",
    "results_table",
    "restart_video",
    "compute_grad_cam",
    "probability_curve",
    "crop_upright",
    "feature_map_task",
    "list_videos",
    "live",
    "photos",
    "propose_numbering",
    "read_video_table",
    "recognition",
    "recognition_request",
    "recognitions_table",
    "face_cells",
    "summarize_faces",
    "table_columns",
    "submit_video",
    "read_uploads",
    "video_io",
    "videos",
    "zip_annotated",
]
