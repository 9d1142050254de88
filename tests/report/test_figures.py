"""Figures: what is written in them, the same bytes for the same input, and readable refusals."""

import base64
import io
import re

import matplotlib
import pytest
import torch
from PIL import Image

from wsrnas.errors import InputError
from wsrnas.report.figures import Series, bar_figure, curve_figure, image_grid, noise_panel, scatter_figure
from wsrnas.report.theme import CATEGORIES, VARIABLES, ordered_colours

STRENGTHS = [0.0, 4 / 255, 8 / 255, 16 / 255]


def texts(svg: str) -> list[str]:
    return [text.strip() for text in re.findall(r"<text[^>]*>(.*?)</text>", svg, flags=re.S)]


def curve(**changes: object) -> str:
    series = [
        Series("found", STRENGTHS, [0.9, 0.6, 0.4, 0.1], [0.85, 0.5, 0.3, 0.05], [0.95, 0.7, 0.5, 0.15]),
        Series("random", STRENGTHS, [0.9, 0.5, 0.3, 0.1], style="dashed"),
    ]
    return curve_figure(series, **{"x_label": "strength", "y_label": "accuracy", "percent": True, **changes})


def test_curves_are_named_at_their_end_and_strengths_are_labelled_twice() -> None:
    written = texts(curve(chance=0.1))
    assert {"found", "random", "strength", "accuracy", "chance 10 %", "8/255", "0.02", "100 %"} <= set(written)


def test_an_axis_that_is_not_a_strength_has_no_grey_levels() -> None:
    assert "/255" not in curve(x_label="share of images")


def test_the_same_input_gives_the_same_bytes_whatever_was_drawn_before() -> None:
    first = curve()
    settings = dict(matplotlib.rcParams)
    curve(chance=0.1)
    assert curve() == first
    assert dict(matplotlib.rcParams) == settings
    assert "date" not in first.lower()
    assert "<metadata" not in first


def test_a_logarithmic_axis_keeps_zero_and_labels_do_not_crowd() -> None:
    strengths = [0.0, 0.001, 0.0011, 0.0012, 0.1]
    svg = curve_figure([Series("a", strengths, [1, 1, 1, 1, 0])], x_label="strength", y_label="y", log_x=True)
    assert "0.1" in texts(svg)
    assert "0.0011" not in texts(svg)


def test_long_names_go_to_a_legend() -> None:
    name = "adversarially trained for very long"
    assert name in texts(curve_figure([Series(name, [0, 1], [0, 1])], x_label="x", y_label="y"))


@pytest.mark.parametrize("count", [1, 4, 7, 12])
def test_panels_show_every_group(count: int) -> None:
    groups = [Series(f"head {i}", [0.1, 0.2, 0.9], [0.3, 0.4, 0.8]) for i in range(count)]
    written = texts(scatter_figure(groups, x_label="measured", y_label="estimated", panels=True))
    assert {f"head {i}" for i in range(count)} <= set(written)
    assert {"measured", "estimated"} <= set(written)


def test_bars_carry_their_values() -> None:
    svg = bar_figure(["attacks", "training"], [2.0, 1.0], x_label="seconds", texts=["2 s", "1 s"])
    assert {"attacks", "training", "2 s", "1 s", "seconds"} <= set(texts(svg))
    bar_figure(["a"], [0.5], low=[0.4], high=[0.6], highlight=0, x_label="share")


def test_single_points_and_constant_values_are_drawn() -> None:
    curve_figure([Series("a", [3], [1.0])], x_label="iteration", y_label="loss")
    curve_figure([Series("a", [3], [0.0])], x_label="strength", y_label="accuracy", percent=True, log_x=True)
    scatter_figure([Series("a", [1.0], [1.0])], x_label="x", y_label="y")
    bar_figure(["a"], [0], x_label="x")


def test_bad_figures_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"y of series 'a': expected 2 values as in x, got 1"):
        Series("a", [0, 1], [0])
    with pytest.raises(InputError, match="series: expected at least one series with values"):
        curve_figure([], x_label="x", y_label="y")
    with pytest.raises(InputError, match="values: expected one value for each of the 2 labels"):
        bar_figure(["a", "b"], [1], x_label="x")


def test_every_colour_has_a_partner_for_dark_pages() -> None:
    assert set(CATEGORIES) <= set(VARIABLES)
    for count in (1, 2, 7, 12, 20):
        colours = ordered_colours(count)
        assert len(colours) == count
        assert set(colours) <= set(VARIABLES)
        assert len(set(colours)) == min(count, 12)


def decode(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))


def test_small_images_are_enlarged_without_smoothing() -> None:
    image = torch.zeros(1, 1, 2, 2)
    image[0, 0, 0, 0] = 1
    picture = decode(image_grid([("clean", image)], ["7"]))
    colours = {pixel[:3] for _, pixel in picture.getcolors(1 << 20) if pixel[3] == 255}
    assert {(0, 0, 0), (255, 255, 255)} <= colours


def test_noise_is_drawn_around_grey() -> None:
    noise = torch.tensor([-0.1, 0.0, 0.1]).reshape(1, 1, 1, 3)
    assert noise_panel(noise, 0.1).flatten().tolist() == pytest.approx([0, 0.5, 1])
    colours = {pixel for _, pixel in decode(image_grid([("noise", noise)], [""])).getcolors(1 << 20)}
    assert {(0, 0, 0, 255), (128, 128, 128, 255), (255, 255, 255, 255)} <= colours


def test_image_grids_refuse_what_they_cannot_draw() -> None:
    with pytest.raises(InputError, match=r"images of row 'clean': expected shape \(2, 1 or 3, H, W\)"):
        image_grid([("clean", torch.zeros(1, 1, 4, 4))], ["a", "b"])
    with pytest.raises(InputError, match="rows: expected at least one row"):
        image_grid([], [])


def test_large_colour_images_and_notes_fit() -> None:
    images = torch.rand(2, 3, 300, 200, generator=torch.Generator().manual_seed(0))
    plain = decode(image_grid([("clean", images)], ["cat", "a long\nclass name"]))
    noted = decode(image_grid([("clean", images)], ["cat", "dog"], notes=[["says cat", "says dog"]]))
    assert max(plain.size) < 800
    assert noted.height > plain.height - 60
