"""Grids of images as one PNG inside the page, noise drawn around grey."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from wsrnas.errors import refuse

_TEXT = (122, 135, 148, 255)  # readable on light and on dark pages
_SIDE, _GAP, _SIZE = 132, 10, 22


def noise_panel(noise: Float[Tensor, "N C H W"], strength: float | int) -> Float[Tensor, "N C H W"]:
    """Return noise of an L-infinity radius as images: no noise is grey, ±`strength` is white and black."""
    return (0.5 + noise / (2 * max(strength, 1e-12))).clamp(0, 1)


def _pixels(image: Float[Tensor, "C H W"]) -> Image.Image:
    array = (image.detach().cpu().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    picture = Image.fromarray(np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array[:, :, :3])
    height, width = array.shape[:2]
    factor = max(1, _SIDE // max(height, width))
    if factor > 1:
        return picture.resize((width * factor, height * factor), Image.Resampling.NEAREST)
    scale = _SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return picture if scale >= 1 else picture.resize(size, Image.Resampling.LANCZOS)


def image_grid(
    rows: Sequence[tuple[str, Tensor]],
    column_labels: Sequence[str],
    *,
    notes: Sequence[Sequence[str] | None] = (),
) -> str:
    """Return a PNG data URI: one labelled row per entry of `rows`, each (N,C,H,W) with values in [0,1].

    Small images are enlarged by a whole factor without smoothing. A row with negative values is taken as noise and
    drawn around grey, its largest magnitude at full contrast. `notes` holds per row what to write under each image,
    or None. The background is transparent.

    Raises:
        InputError: no rows, or rows that are not N images of 1 or 3 channels.
    """
    if not rows:
        refuse("rows", expected="at least one row of images", got="none", remedy="leave this figure out")
    count = len(column_labels) or len(rows[0][1])
    for label, images in rows:
        if images.ndim != 4 or images.shape[1] not in (1, 3) or len(images) != count:
            refuse(f"images of row {label!r}", expected=f"shape ({count}, 1 or 3, H, W)", got=tuple(images.shape))
    under = [*notes, *([None] * (len(rows) - len(notes)))]
    pictures = [[_pixels(image) for image in _around_grey(images)] for _, images in rows]
    font, small = _font(_SIZE), _font(_SIZE - 5)
    wide = max(
        [picture.width for row in pictures for picture in row]
        + [_width(font, label) for label in column_labels]
        + [_width(small, note) for row in under for note in row or ()]
    )
    left = max(_width(font, label) for label, _ in rows) + 2 * _GAP
    top = 2 * _GAP + max([(label.count("\n") + 1) * (_SIZE + 6) for label in column_labels if label], default=0)
    spare = [_SIZE + 4 if row else 0 for row in under]
    heights = [max(picture.height for picture in row) for row in pictures]
    size = (left + count * (wide + _GAP), top + sum(heights) + sum(spare) + _GAP * len(rows))
    canvas = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(canvas)
    centres = [left + column * (wide + _GAP) + wide // 2 for column in range(count)]
    for centre, label in zip(centres, column_labels):
        draw.multiline_text((centre, top - _GAP), label, fill=_TEXT, font=font, anchor="md", align="center")
    y = top
    for (label, _), row, height, extra, written in zip(rows, pictures, heights, spare, under):
        draw.multiline_text((0, y + height // 2), label, fill=_TEXT, font=font, anchor="lm", spacing=6)
        for centre, picture in zip(centres, row):
            canvas.paste(picture, (centre - picture.width // 2, y))
        for centre, note in zip(centres, written or ()):
            draw.text((centre, y + height + 3), note, fill=_TEXT, font=small, anchor="ma")
        y += height + extra + _GAP
    out = io.BytesIO()
    canvas.save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def _around_grey(images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C H W"]:
    return noise_panel(images, float(images.abs().max())) if images.min() < 0 else images


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


def _width(font: ImageFont.FreeTypeFont, label: str) -> int:
    return max(round(font.getlength(line)) for line in label.split("\n"))
