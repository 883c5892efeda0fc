from .batch import MAX_FRAMES_PER_SECOND as MAX_FRAMES_PER_SECOND
from .batch import Batch as Batch
from .batch import BatchSettings as BatchSettings
from .batch import BatchSummary as BatchSummary
from .batch import FileResult as FileResult
from .batch import find_resumable as find_resumable
from .batch import list_batches as list_batches
from .batch import resume_batch as resume_batch
from .batch import submit_folder as submit_folder
from .batch import submit_uploads as submit_uploads
from .clip_table import ClipTable as ClipTable
from .clip_table import Matching as Matching
from .clip_table import match_clips as match_clips
from .clip_table import read_clip_table as read_clip_table
from .columns import FRONTAL_DEGREES as FRONTAL_DEGREES
from .columns import Column as Column
from .columns import describe_markers as describe_markers
from .columns import describe_summary as describe_summary
from .columns import reserved_columns as reserved_columns
from .crops import MAX_CROPS as MAX_CROPS
from .groups import GroupMean as GroupMean
from .groups import condition_means as condition_means
from .groups import participant_means as participant_means
from .groups import share_columns as share_columns
from .marks import BatchMarks as BatchMarks
from .marks import make_marks as make_marks
from .marks import mark_batch as mark_batch
from .media import Media as Media
from .media import check_folder as check_folder
from .media import find_media as find_media
from .media import is_media as is_media
from .media import is_video as is_video
from .media import matches as matches
from .media import safe_path as safe_path
from .people import assign_tracks as assign_tracks
from .people import list_tracks as list_tracks
from .results import BatchResults as BatchResults
from .results import export_results as export_results
from .results import read_results as read_results
from .results import to_parquet as to_parquet
from .results import zip_results as zip_results
from .summary import assign_people as assign_people
from .summary import minus_baseline as minus_baseline
from .summary import summarize_people as summarize_people

__all__ = [
    "Batch",
    "BatchMarks",
    "BatchResults",
    "make_marks",
    "mark_batch",
    "BatchSettings",
    "BatchSummary",
    "ClipTable",
    "Column",
    "FileResult",
    "GroupMean",
    "MAX_FRAMES_PER_SECOND",
    "Matching",
    "Media",
    "check_folder",
    "condition_means",
    "export_results",
    "find_media",
    "find_resumable",
    "is_media",
    "list_batches",
    "match_clips",
    "participant_means",
    "read_clip_table",
    "read_results",
    "reserved_columns",
    "resume_batch",
    "safe_path",
    "share_columns",
    "submit_folder",
    "submit_uploads",
    "to_parquet",
    "zip_results",
    "is_video",
    "matches",
    "assign_tracks",
    "list_tracks",
    "MAX_CROPS",
    "FRONTAL_DEGREES",
    "assign_people",
    "describe_markers",
    "describe_summary",
    "minus_baseline",
    "summarize_people",
]
