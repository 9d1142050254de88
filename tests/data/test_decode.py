"""Images as cameras, editors and enemies write them: upright, still and of a size that can be held, or refused."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from PIL import Image, ImageOps
from tests.data.shades import make_folder, png

from wsrnas.data import DataBundle, DataConfig, load_data
from wsrnas.data.decode import MOST_PIXELS, open_image, quiet
from wsrnas.errors import InputError

QUADRANTS = np.kron(np.array([[0, 80], [160, 240]], dtype=np.uint8), np.ones((8, 12), dtype=np.uint8))
TURNED = {
    1: [[0, 80], [160, 240]],
    2: [[80, 0], [240, 160]],
    3: [[240, 160], [80, 0]],
    4: [[160, 240], [0, 80]],
    5: [[0, 160], [80, 240]],
    6: [[160, 0], [240, 80]],
    7: [[240, 80], [160, 0]],
    8: [[80, 240], [0, 160]],
}


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def oriented(orientation: int, format: str, mode: str = "RGB") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {} if format == "TIFF" else {"lossless": True} if format == "WEBP" else {"quality": 100}
    return encoded(Image.fromarray(QUADRANTS).convert(mode), format, exif=exif.tobytes(), **options)


def read(data: bytes) -> Image.Image:
    with quiet():
        return open_image(data, lambda: "it")


def corners(image: Image.Image) -> list[list[int]]:
    grey = np.array(image.convert("L")).astype(int)
    rows, columns = grey.shape
    return [[round(grey[y, x] / 80) * 80 for x in (2, columns - 3)] for y in (2, rows - 3)]


@pytest.mark.parametrize("orientation", sorted(TURNED))
@pytest.mark.parametrize(
    ("format", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"), ("WEBP", "RGB"), ("TIFF", "L")]
)
def test_every_orientation_is_turned_upright_as_others_do(orientation: int, format: str, mode: str) -> None:
    data = oriented(orientation, format, mode)
    image = read(data)
    assert corners(image) == TURNED[orientation]
    assert image.size == ((24, 16) if orientation < 5 else (16, 24))
    with Image.open(io.BytesIO(data)) as plain:
        assert np.array_equal(np.array(ImageOps.exif_transpose(plain)), np.array(image))


def upright_everywhere(bundle: DataBundle) -> None:
    assert bundle.image_shape[1:] == (24, 16)
    for split in (bundle.train, bundle.valid, bundle.test):
        images, _ = split.fetch(torch.arange(len(split)))
        assert len(images) > 0
        for image in images:
            assert corners(Image.fromarray((image[0] * 255).byte().numpy())) == TURNED[6]


@pytest.mark.parametrize("pipeline", ["memory", "workers"])
def test_orientation_in_folders_tables_and_the_hub(tmp_path: Path, pipeline: str) -> None:
    data = oriented(6, "JPEG")
    for name in ("cat", "dog"):
        (tmp_path / "folder" / name).mkdir(parents=True)
        for number in range(5):
            (tmp_path / "folder" / name / f"{number}.JPG").write_bytes(data)
    settings = {"pipeline": pipeline, "workers": 0}
    upright_everywhere(load_data(DataConfig(name="folder", root=str(tmp_path / "folder"), **settings)))
    (tmp_path / "table").mkdir()
    table = pyarrow.table({"image": [{"bytes": data, "path": None}] * 10, "label": [0, 1] * 5})
    pyarrow.parquet.write_table(table, tmp_path / "table" / "train.parquet")
    upright_everywhere(load_data(DataConfig(name="parquet", root=str(tmp_path / "table"), **settings)))
    hub = DataConfig(name=str(tmp_path / "table"), cache_dir=str(tmp_path / "cache"), **settings)
    upright_everywhere(load_data(hub))


@pytest.mark.parametrize("damage", range(26))
def test_damaged_exif_never_costs_the_picture(damage: int) -> None:
    data = bytearray(oriented(6, "JPEG"))
    start = data.index(b"Exif") + 6  # a header of 8 bytes, a count of 2, an entry of 12, an offset of 4
    data[start + damage] ^= 0xFF
    image = read(bytes(data))
    assert corners(image) in TURNED.values()


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_orientations_that_mean_nothing(orientation: int) -> None:
    assert corners(read(oriented(orientation, "JPEG"))) == TURNED[1]


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be large."""
    parts = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0" * 100)))
    body = b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in (*parts, (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(9460, 9460), (12_000, 12_000), (50_000, 50_000), (2**31 - 1, 2**31 - 1)])
@pytest.mark.parametrize("strict", [False, True])
def test_bombs_are_refused_in_one_sentence(size: tuple[int, int], strict: bool) -> None:
    assert size[0] * size[1] > MOST_PIXELS
    message = r"^data: expected an image in it, got one of .*more than 89,478,485 pixels; make it smaller$"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=message):
            open_image(bomb(*size), lambda: "it") if strict else read(bomb(*size))


def test_a_bomb_in_a_folder_warns_of_nothing_else(tmp_path: Path) -> None:
    make_folder(tmp_path, {"cat": 20, "dog": 120})
    for path in (tmp_path / "dog").iterdir():
        path.write_bytes(bomb(10_000, 10_000))
    for pipeline in ("memory", "workers"):
        bundle = load_data(DataConfig(name="folder", root=str(tmp_path), pipeline=pipeline, workers=0, channels=1))
        with pytest.raises(InputError, match=r"got one of 10000×10000, more than 89,478,485 pixels; make it smaller"):
            list(bundle.train.batches(4))


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_images_in_one_file(format: str) -> None:
    frames = [Image.fromarray(np.full((8, 8), shade, dtype=np.uint8)) for shade in (0, 100, 200)]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
    with pytest.raises(
        InputError, match=rf"^data: expected an image in it, got several images in one {format} file; s"
    ):
        read(data)
    assert read(encoded(frames[1], format)).size == (8, 8)


def test_a_second_view_in_a_photograph_is_no_animation() -> None:
    views = [Image.fromarray(QUADRANTS).convert("RGB"), Image.new("RGB", (8, 8))]
    image = read(encoded(views[0], "MPO", save_all=True, append_images=views[1:]))
    assert corners(image) == TURNED[1]


def test_programs_are_not_run() -> None:
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n(/etc/passwd) (r) file pop showpage\n%%EOF\n"
    for data in (script, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\xd0\xcf\x11\xe0", b"%PDF-1.7"):
        with pytest.raises(InputError, match=r"got one that cannot be decoded \(UnidentifiedImageError\); replace or"):
            read(data)


def pixels(data: bytes, channels: int | None = None) -> torch.Tensor:
    """Return the pixels (C,H,W) that a table of this image gives."""
    from wsrnas.data.pixels import fit_reader
    from wsrnas.data.sources.table import table_source

    table = pyarrow.table({"image": [data], "label": [0]})
    return fit_reader(table_source(table, DataConfig(), "it"), 0, DataConfig(channels=channels)).pixels(0)


def test_palettes_and_transparency() -> None:
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    for data in (encoded(palette, "PNG"), encoded(palette, "GIF"), encoded(palette, "PNG", transparency=b"\xff\x40")):
        assert pixels(data)[:, 0, 0].tolist() == [200, 100, 50]
    clear = Image.new("RGBA", (2, 2), (200, 100, 50, 0))
    assert pixels(encoded(clear, "PNG"))[:, 0, 0].tolist() == [200, 100, 50]
    assert pixels(encoded(Image.new("LA", (2, 2), (200, 7)), "PNG"))[:, 0, 0].tolist() == [200]
    assert pixels(encoded(Image.new("1", (2, 2), 1), "PNG"))[:, 0, 0].tolist() == [255]


def test_cmyk_is_the_colour_that_other_readers_show() -> None:
    image = Image.new("RGB", (8, 8), (200, 100, 50)).convert("CMYK")
    found = pixels(encoded(image, "JPEG", quality=100))[:, 4, 4]
    assert (found - torch.tensor([200, 100, 50])).abs().max() <= 3


def test_sixteen_bits() -> None:
    wide = Image.fromarray(np.full((4, 4), 40000, dtype=np.uint16))
    for format in ("PNG", "TIFF", "PPM"):
        with pytest.raises(InputError, match=r"data: expected 8 bits per channel in row 0 of it, got mode I(;16)?;"):
            pixels(encoded(wide, format))
    with pytest.raises(InputError, match=r"got mode F; convert it to 8-bit grey or RGB"):
        pixels(encoded(Image.new("F", (4, 4)), "TIFF"))
    colour = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    rest = zlib.compress(b"\0" + struct.pack(">HHH", 0xC8FF, 0x6401, 0x3280))
    body = b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in ((b"IHDR", colour), (b"IDAT", rest), (b"IEND", b""))
    )
    assert pixels(b"\x89PNG\r\n\x1a\n" + body)[:, 0, 0].tolist() == [200, 100, 50]  # the upper eight


def test_a_suffix_that_lies_is_read_by_content(tmp_path: Path) -> None:
    make_folder(tmp_path, {"cat": 20, "dog": 120})
    for number, path in enumerate(sorted((tmp_path / "dog").iterdir())):
        image = Image.fromarray(np.full((4, 4), 120 + number, dtype=np.uint8))
        path.write_bytes(encoded(image, "BMP"))
    assert len(load_data(DataConfig(name="folder", root=str(tmp_path))).train) == 6


SEEDS = [
    (format, encoded(Image.effect_noise((13, 9), 70).convert(mode), format, **options))
    for format, mode, options in (
        ("PNG", "RGB", {}),
        ("PNG", "P", {}),
        ("JPEG", "RGB", {}),
        ("JPEG", "CMYK", {}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
        ("WEBP", "RGBA", {}),
        ("TIFF", "RGB", {}),
        ("PPM", "L", {}),
    )
]


@pytest.mark.parametrize(("format", "data"), SEEDS, ids=[f"{name}{place}" for place, (name, _) in enumerate(SEEDS)])
def test_damaged_files_are_read_or_refused(format: str, data: bytes) -> None:
    source = random.Random(format)
    refused = []
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(source.choice([1, 2, 8])):
            damaged[source.randrange(source.choice([40, len(data)]))] = source.choice([0, 1, 127, 255])
        try:
            assert read(bytes(damaged[: source.choice([len(data), source.randrange(len(data))])])).mode
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert all(message.startswith("data: expected an image in it, got ") for message in refused)
    assert not any("\n" in message for message in refused)


def test_an_ordinary_image_is_untouched() -> None:
    assert np.array_equal(np.array(read(png(77, 3))), np.array(Image.open(io.BytesIO(png(77, 3)))))
