"""A data set's faces as one array: made once, whole or not at all, by the one way to pixels."""

import numpy as np
import pytest
from PIL import Image

from fer_core.datasets import dataset as dataset_module
from fer_core.datasets import pixel_cache as pixels
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.pixel_cache import open_pixels
from fer_core.storage import paths
from fer_core.vision import images
from tests.datasets.trees import write_fer2013, write_tree


@pytest.fixture
def source(tmp_path):
    return write_tree(tmp_path / "faces", {"train/happy": 5, "train/sad": 5, "test/happy": 3})


@pytest.fixture
def dataset(source):
    return import_source(source, "faces")


def test_row_i_of_the_cache_has_the_pixels_of_image_i(dataset, source):
    for channels in (1, 3):
        pixels = open_pixels(dataset, (24, 20), channels)
        assert pixels.shape == (13, 24, 20, channels)
        assert pixels.dtype == np.uint8
        for position, path in enumerate(dataset.index["path"]):
            expected = images.face_pixels(images.decode(source / path), (24, 20), channels)
            np.testing.assert_array_equal(pixels[position], expected)


def test_pixels_of_a_table_are_cached_unchanged(tmp_path):
    dataset = import_source(write_fer2013(tmp_path / "fer2013.csv"), "fer")
    pixels = open_pixels(dataset, (48, 48), 1)
    stored = np.load(dataset.directory / "images.npy")
    np.testing.assert_array_equal(pixels[..., 0], stored)


def test_the_cached_array_is_read_only(dataset):
    with pytest.raises(ValueError, match="read-only"):
        open_pixels(dataset, (16, 16), 1)[0] = 0


def test_the_cache_is_built_once_and_reports_progress(dataset):
    steps = []
    open_pixels(dataset, (16, 16), 1, lambda done, total: steps.append((done, total)))
    assert steps[-1] == (13, 13)
    steps.clear()
    open_pixels(dataset, (16, 16), 1, lambda done, total: steps.append((done, total)))
    assert steps == []


def test_another_validation_fraction_uses_the_same_array(dataset):
    open_pixels(dataset, (16, 16), 1)
    steps = []
    other = dataset.with_validation_fraction(0.5)
    open_pixels(other, (16, 16), 1, lambda done, total: steps.append(done))
    assert steps == []


def test_a_new_version_of_the_cache_makes_a_new_array(dataset, monkeypatch):
    open_pixels(dataset, (16, 16), 1)
    monkeypatch.setattr(pixels, "_VERSION", pixels._VERSION + 1)
    monkeypatch.setattr(pixels, "face_pixels", lambda *_: np.full((16, 16, 1), 7, np.uint8))
    assert (open_pixels(dataset, (16, 16), 1) == 7).all()
    dataset.delete()
    assert list((paths.cache_root() / "pixels").glob("*.npy")) == []


def test_a_changed_image_invalidates_the_cache(dataset, source):
    before = np.array(open_pixels(dataset, (16, 16), 1))
    Image.new("L", (16, 16), 200).save(source / dataset.index["path"][2])
    after = open_pixels(dataset, (16, 16), 1)
    assert (after[2] == 200).all()
    np.testing.assert_array_equal(after[3:], before[3:])


def test_an_image_damaged_after_the_import_is_named(dataset, source):
    (source / "train/sad/001.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"train/sad/001\.png cannot be read"):
        open_pixels(dataset, (16, 16), 1)


def test_missing_images_are_counted_and_the_first_is_named(dataset, source):
    (source / "train/sad/001.png").unlink()
    (source / "train/sad/002.png").unlink()
    with pytest.raises(ValueError, match=r"2 of 13 image files are missing.*train/sad/001\.png"):
        open_pixels(dataset, (16, 16), 1)


def test_an_interrupted_build_leaves_no_file(dataset):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_pixels(dataset, (16, 16), 1, stop)
    assert list((paths.cache_root() / "pixels").glob("**/*16x16*.npy")) == []
    assert open_pixels(dataset, (16, 16), 1).shape == (13, 16, 16, 1)


def test_a_cache_larger_than_the_free_disk_space_is_refused(dataset, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 100})())
    with pytest.raises(ValueError, match=r"must have .* GB free"):
        open_pixels(dataset, (16, 16), 1)


def test_deleting_a_dataset_deletes_its_cached_arrays(dataset):
    open_pixels(dataset, (16, 16), 1)
    dataset.delete()
    assert list((paths.cache_root() / "pixels").glob("*.npy")) == []


def test_a_checked_dataset_calls_stat_on_its_files_once(dataset, monkeypatch):
    checks: list[int] = []
    file_stats = dataset_module.file_stats

    def counting(root, names):
        checks.append(len(names))
        return file_stats(root, names)

    monkeypatch.setattr(dataset_module, "file_stats", counting)
    key, fingerprint = dataset.pixels_key(), dataset.fingerprint()
    assert checks == [13, 13]
    checked = dataset.checked()
    open_pixels(checked, (16, 16), 1)
    assert (checked.pixels_key(), checked.fingerprint()) == (key, fingerprint)
    assert checks == [13, 13, 13]
