"""Films are read upright, frame by frame and at their own times, and written so that they play."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from fer_core.errors import FerError
from fer_core.inference import video_io as film
from fer_core.inference.video_io import Frame, VideoReader, VideoWriter
from tests.inference.hostile_videos import damaged, jpeg, readable, unreadable
from tests.inference.synthetic_video import encode_as, gray_frames, turn, write_film, write_sound
from tests.inference.video_containers import Mkv


def read(path: Path, every: int = 1) -> list[Frame]:
    with VideoReader(path) as opened:
        return list(opened.read(every))


def test_frames_come_back_with_their_times_whatever_the_distance(tmp_path: Path) -> None:
    frames, seconds = gray_frames(5), [0.0, 0.04, 0.5, 0.51, 2.25]
    found = read(write_film(tmp_path / "a.mp4", frames, seconds))
    assert [frame.number for frame in found] == [0, 1, 2, 3, 4]
    assert [frame.seconds for frame in found] == pytest.approx(seconds, abs=1e-4)
    for frame, original in zip(found, frames, strict=True):
        assert frame.image.dtype == np.uint8
        assert np.abs(frame.image.astype(int) - original).mean() < 4


def test_colours_survive_and_red_stays_red(tmp_path: Path) -> None:
    red = np.zeros((64, 64, 3), np.uint8) + np.array([200, 30, 20], np.uint8)
    (frame,) = read(write_film(tmp_path / "a.mp4", [red]))
    assert frame.image.reshape(-1, 3).mean(axis=0) == pytest.approx([200, 30, 20], abs=6)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mov", "libx264"), ("a.webm", "libvpx"), ("a.avi", "mpeg4"), ("a.mkv", "libx264")],
)
def test_the_kinds_of_files_that_people_have_are_read(
    tmp_path: Path, name: str, codec: str
) -> None:
    found = read(encode_as(tmp_path / name, codec, gray_frames(10)))
    assert len(found) == 10
    assert found[-1].seconds == pytest.approx(9 / 25, abs=0.01)
    assert found[-1].image.mean() == pytest.approx(230, abs=8)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turned_film_comes_upright(tmp_path: Path, quarters: int) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 255  # white: upper left
    (frame,) = read(turn(write_film(tmp_path / "a.mp4", [picture]), quarters))
    expected = np.rot90(picture, -quarters)
    assert frame.image.shape == expected.shape
    assert np.abs(frame.image.astype(int) - expected).mean() < 4


def test_one_frame_of_several_is_read(tmp_path: Path) -> None:
    found = read(write_film(tmp_path / "a.mp4", gray_frames(10)), every=4)
    assert [frame.number for frame in found] == [0, 4, 8]
    assert [frame.seconds for frame in found] == pytest.approx([0, 0.16, 0.32], abs=1e-4)
    with VideoReader(tmp_path / "a.mp4") as opened, pytest.raises(ValueError, match="Received: 0"):
        list(opened.read(every=0))


@pytest.mark.parametrize(
    ("chosen", "numbers"),
    [
        ({"start": 0.4, "end": 0.8}, range(10, 21)),
        ({"start": 0.4, "end": 0.8, "every": 5}, [10, 15, 20]),
        ({"per_second": 5}, range(0, 50, 5)),
        ({"per_second": 2, "start": 0.2}, [5, 18, 30, 43]),
        ({"per_second": 100}, range(50)),  # no more than there are
    ],
)
def test_a_part_or_so_many_frames_a_second_are_read(
    tmp_path: Path, chosen: dict[str, float], numbers: Sequence[int]
) -> None:
    with VideoReader(write_film(tmp_path / "a.mp4", gray_frames(50))) as opened:
        found = [frame.number for frame in opened.read(**chosen)]
    assert found == list(numbers)


@pytest.mark.parametrize(("start", "end"), [(9.0, math.inf), (1.001, 1.002)])
def test_a_part_without_a_frame_gets_a_sentence(tmp_path: Path, start: float, end: float) -> None:
    path = write_film(tmp_path / "a.mp4", gray_frames(50))
    with (
        VideoReader(path) as opened,
        pytest.raises(ValueError, match=r"a\.mp4 must have a frame in the part from"),
    ):
        list(opened.read(start=start, end=end))


def test_a_large_film_is_reduced_as_it_is_read(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", gray_frames(2, 400, 640))
    with VideoReader(path, max_side=160) as opened:
        assert opened.scale == 0.25
        assert [frame.image.shape for frame in opened.read()] == [(100, 160, 3)] * 2
    with VideoReader(path) as opened:
        assert opened.scale == 1


def test_a_film_tells_how_long_it_is(tmp_path: Path) -> None:
    with VideoReader(write_film(tmp_path / "a.mp4", gray_frames(50))) as opened:
        assert opened.frames == 50
        assert opened.seconds == pytest.approx(2, abs=0.1)
        assert opened.step == pytest.approx(1 / 25, rel=0.1)


@pytest.mark.parametrize(
    ("size", "expected"), [((47, 65), (46, 64)), ((2, 3), (2, 2)), ((48, 64), (48, 64))]
)
def test_odd_sizes_lose_a_row_or_a_column(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    found = read(write_film(tmp_path / "a.mp4", gray_frames(2, *size)))
    assert found[0].image.shape[:2] == expected


def test_a_written_film_is_one_that_browsers_play(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", gray_frames(30))
    with av.open(str(path)) as container:
        (stream,) = container.streams
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # plays before all of it is there


def test_frames_at_one_and_the_same_time_follow_each_other(tmp_path: Path) -> None:
    found = read(write_film(tmp_path / "a.mp4", gray_frames(4), [0, 0, 0, 0.1]))
    seconds = [frame.seconds for frame in found]
    assert len(found) == 4 and seconds == sorted(set(seconds))


def test_times_that_make_no_sense_are_replaced_by_the_frame_rate() -> None:
    clock = film._Clock(step=0.5)
    told = [10.0, 10.2, 9.0, None, 12.5]
    assert [clock.read(time) for time in told] == pytest.approx([0, 0.2, 0.7, 1.2, 2.5])


def test_what_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", [noise(seed) for seed in range(40)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    found = read(path)
    assert 5 < len(found) < 40


def test_what_cannot_be_decoded_is_left_out_and_counted(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", [noise(seed) for seed in range(40)])
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40_000] = b"\xff" * 40_000
    path.write_bytes(content)
    with VideoReader(path) as opened:
        found = list(opened.read())
        assert len(found) > 5
        assert opened.damaged > 0


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (96, 96, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"clip\.mp4 cannot be read as a video: it is empty\."),
        (b"Dear diary, today", "it is none of MP4, MOV, WebM, MKV or AVI"),
        (b"%PDF-1.7 and so on", "it is none of MP4, MOV, WebM, MKV or AVI"),
        (b"#EXTM3U\n#EXTINF:2,\n/etc/passwd\n#EXT-X-ENDLIST\n", "it is none of MP4"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "it is none of MP4"),
        (b"\0\0\0\x18ftypisom" + os.urandom(2000), "it is damaged or incompletely copied"),
        (b"\x1aE\xdf\xa3" + os.urandom(2000), "it is damaged or incompletely copied"),
    ],
)
def test_what_is_no_film_gets_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        VideoReader(path, "clip.mp4")


def test_sound_without_pictures_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must contain a video stream. It contains only sound"):
        VideoReader(write_sound(tmp_path / "a.mp4"))


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"The video must exist. Received: a\.mp4"):
        VideoReader(tmp_path / "a.mp4")


def test_frames_that_are_too_large_are_refused_before_one_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_film(tmp_path / "a.mp4", gray_frames(2))
    monkeypatch.setattr(film, "MAX_PIXELS", 1000)
    with pytest.raises(ValueError, match="at most 0 megapixels. Received: 64×48"):
        VideoReader(path)


def test_a_film_without_a_single_frame_is_refused(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", [noise(seed) for seed in range(3)])
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start:] = b"\0" * (len(content) - start)
    path.write_bytes(content)
    with VideoReader(path) as opened, pytest.raises(ValueError, match="no frame can be decoded"):
        list(opened.read())


def test_only_rgb_pictures_are_written(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="must be uint8 RGB"),
        VideoWriter(tmp_path / "a.mp4") as writer,
    ):
        writer.add(np.zeros((4, 4), np.uint8), 0.0)


def test_a_gap_of_hours_is_read_at_its_true_time_and_written_as_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(readable()["mp4, a jump of ten hours"]())
    with VideoReader(path) as opened, VideoWriter(tmp_path / "b.mp4") as writer:
        frames = list(opened.read())
        for frame in frames:
            writer.add(frame.image, frame.seconds)
    assert frames[-1].seconds == pytest.approx(36_000.4)
    assert writer.shortened == pytest.approx(36_000 - film.MAX_GAP)
    assert [cut for _, cut in writer.cuts] == [pytest.approx(writer.shortened)]
    written = [frame.seconds for frame in read(tmp_path / "b.mp4")]
    assert len(written) == len(frames)
    assert written[-1] == pytest.approx(film.MAX_GAP + 0.4, abs=1e-3)


@pytest.mark.parametrize(
    "name", ["mkv, a title that is not UTF-8", "mkv, jumps of 18 years", "mkv, size 0"]
)
def test_odd_files_lose_no_frame(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(readable()[name]())
    assert len(read(path)) == 12


def test_pixels_that_cannot_be_converted_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(unreadable()["mkv, raw of 4 bits"]())
    with VideoReader(path) as opened, pytest.raises(ValueError, match="no frame can be decoded"):
        list(opened.read())


def test_a_file_that_repeats_itself_ends_early(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(damaged()["mp4, one frame ten thousand times"]())
    with VideoReader(path) as opened:
        assert opened.frames == 10_000
        assert 0 < len(list(opened.read())) < 1000
        assert opened.damaged == 1


def test_a_frame_of_another_shape_keeps_its_proportions(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(Mkv([jpeg(48, 64, 250), jpeg(96, 32, 250)]).content())
    wide, tall = (frame.image for frame in read(path))
    assert wide.shape == tall.shape == (48, 64, 3)
    assert wide.min() > 200
    assert (tall[:, 24:40] > 200).all() and (tall[:, :24] == 0).all() and (tall[:, 40:] == 0).all()


def test_where_nothing_can_be_decoded_reading_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(readable()["mkv, 500 damaged frames first"]())
    monkeypatch.setattr(film, "_PATIENCE", -1.0)
    with VideoReader(path) as opened, pytest.raises(ValueError, match="no frame can be decoded"):
        list(opened.read())
    assert opened.damaged == 1


def test_frames_that_take_too_much_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_film(tmp_path / "a.mp4", gray_frames(2))
    monkeypatch.setattr(film, "MAX_FRAME_BYTES", 1000)
    with VideoReader(path) as opened, pytest.raises(ValueError, match="64×48 as yuv420p"):
        list(opened.read())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only on POSIX")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match="must be a file"):
        VideoReader(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("name", "stated"), [("avi, length 2^32-1", 2**32 / 25), ("mkv, duration 1e308", None)]
)
def test_an_impossible_duration_or_rate_is_none(
    tmp_path: Path, name: str, stated: float | None
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(readable()[name]())
    with VideoReader(path) as opened:
        assert opened.seconds == (stated and pytest.approx(stated))
        assert opened.frames in (12, None)
        assert 0.001 <= opened.step <= 3600


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mkv", "libx265"), ("a.webm", "libvpx-vp9"), ("a.avi", "mpeg4")],
)
def test_a_late_clip_has_the_frames_of_the_whole_without_decoding_it(
    name: str, codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"needs {codec}")
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 40, (1, 48, 64, 3), np.uint8)
    frames = [frame + noise[0] for frame in gray_frames(900)]
    path = encode_as(tmp_path / name, codec, frames)
    whole = [frame for frame in read(path) if 30 <= frame.seconds <= 31]
    decoded = []
    read_clock = film._Clock.read
    monkeypatch.setattr(
        film._Clock, "read", lambda self, time: decoded.append(time) or read_clock(self, time)
    )
    with VideoReader(path) as opened:
        clip = list(opened.read(start=30, end=31))
    assert [frame.number for frame in clip] == list(range(750, 776))
    assert [frame.seconds for frame in clip] == [frame.seconds for frame in whole]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(clip, whole, strict=True))
    assert len(decoded) < 400
    with VideoReader(path) as opened, pytest.raises(FerError, match=r"is at 35\.96 s"):
        list(opened.read(start=60))
