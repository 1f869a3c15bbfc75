"""Figures are kept as SVG or PNG, images with every pixel, mode and note."""

from __future__ import annotations

import io
from typing import Any

import pytest

from solvent.artifacts.formats.pictures import Picture
from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.model import Identity

FOR_NOW = Identity("0" * 64, "PIL.Image:Image")


def figure(points: int) -> Any:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    made = Figure()
    made.subplots().plot(range(points), "o")
    return made


def test_a_figure_is_kept_as_svg_that_is_the_same_each_time(blobs: LocalBlobs) -> None:
    first, second = (load(save(figure(3), FOR_NOW, blobs), blobs) for _ in range(2))
    assert type(first) is Picture
    assert first.media_type == "image/svg+xml"
    assert first == second
    assert "<svg" in str(first._repr_svg_())


def test_a_figure_with_very_many_points_is_kept_as_png(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solvent.artifacts.formats.pictures.MOST_SVG_BYTES", 1000)
    picture = load(save(figure(3), FOR_NOW, blobs), blobs)
    assert picture.media_type == "image/png"
    assert picture._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "F", "I", "I;16", "YCbCr", "HSV", "LAB"])
def test_an_image_comes_back_equal_in_every_mode(mode: str, blobs: LocalBlobs) -> None:
    image = pytest.importorskip("PIL.Image").effect_noise((40, 30), 50).convert("RGB" if mode == "HSV" else "L")
    image = image.convert(mode) if mode not in ("LAB", "I;16") else type(image)()._new(image.im)
    ref = save(image, FOR_NOW, blobs, allow_pickle=False)
    assert ref.format == "image"
    assert load(ref, blobs) == image


def test_an_image_from_a_file_keeps_its_class_and_notes(blobs: LocalBlobs) -> None:
    module = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    module.new("RGB", (3, 2), (1, 2, 3)).save(file, "jpeg", dpi=(72, 72))
    image = module.open(file)
    again = load(save(image, FOR_NOW, blobs, allow_pickle=False), blobs)
    assert type(again) is type(image)
    assert again == image
