"""From the bytes of an image file to an opened image, upright; what is no ordinary still picture is refused by name."""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from wsrnas.data.mistaken import mistaken_for
from wsrnas.errors import refuse

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF")
MOST_PIXELS = 89_478_485  # 256 MiB as RGB: Pillow's own first threshold
TURNED = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")  # where an orientation may be written
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_image(encoded: Path | bytes, describe: Callable[[], str]) -> Image.Image:
    """Decode one image file or its bytes and turn it as its EXIF orientation says.

    Only formats of pictures are tried: others that Pillow knows are programs to be run (PostScript) or need hints.

    Raises:
        InputError: damaged, truncated, not an image, animated, or of more than `MOST_PIXELS`; the message names it.
    """
    try:
        with Image.open(io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded, formats=formats()) as image:
            problem = _problem(image)
            if problem is None:
                image.load()
                image = image.copy() if image.readonly else image
    # Hostile bytes make decoders raise whatever they like; the reason is passed on in one sentence.
    except (Exception, Image.DecompressionBombWarning) as error:
        reason = mistaken_for(encoded) or type(error).__name__
        problem = f"one that cannot be decoded ({reason})", "replace or remove it"
        if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
            problem = f"one of more than {MOST_PIXELS:,} pixels", "make it smaller"
    if problem is not None:
        refuse("data", expected=f"an image in {describe()}", got=problem[0], remedy=problem[1])
    return upright(image)


def _problem(image: Image.Image) -> tuple[str, str] | None:
    """Return what is wrong with an image that has been opened but not decoded, and the remedy."""
    if image.width * image.height > MOST_PIXELS:
        return f"one of {image.height}×{image.width}, more than {MOST_PIXELS:,} pixels", "make it smaller"
    # A camera's second picture in one file (MPO) is a preview or another view, not the next moment.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        return f"several images in one {image.format} file", "save the one that is meant, or remove the file"
    return None


@functools.cache
def formats() -> tuple[str, ...]:
    """Return the formats that are read and that this build of Pillow knows."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def upright(image: Image.Image) -> Image.Image:
    """Turn or mirror an image as its EXIF orientation says; an orientation that cannot be read counts as none."""
    if not any(key in image.info for key in TURNED):
        return image
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # anything writes EXIF: where it is damaged, viewers show the picture as it is stored
        return image
    return image if turn is None else image.transpose(turn)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Pillow's warnings (bombs, damaged EXIF): what they are about is refused or read right here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield
