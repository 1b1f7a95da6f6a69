"""Reading photographs: every mode and every oddity, and what is refused."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s2m import images
from s2m.errors import S2MError
from s2m.images import read_photo

RNG = np.random.default_rng(0)
COLOURS = np.kron(RNG.integers(0, 256, (3, 5, 3), np.uint8), np.ones((8, 8, 1), np.uint8))  # (24, 40, 3), flat blocks
GREY = COLOURS[..., 0]


def saved(image: Image.Image | np.ndarray, format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(stream, format, **options)
    return stream.getvalue()


def pixels(source: Path | bytes) -> np.ndarray:
    image = read_photo(source)
    assert image.mode == "RGB"
    return np.asarray(image)


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_colours_come_back(format: str, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(saved(COLOURS, format))
    np.testing.assert_array_equal(pixels(tmp_path / "photo"), COLOURS)


@pytest.mark.parametrize(("format", "mode"), [("JPEG", "RGB"), ("JPEG", "CMYK"), ("TIFF", "CMYK"), ("WEBP", "RGB")])
def test_lossy_and_cmyk(format: str, mode: str) -> None:
    content = saved(Image.fromarray(COLOURS).convert(mode), format, **({} if format == "TIFF" else {"quality": 95}))
    assert np.abs(pixels(content).astype(int) - COLOURS).mean() < 8  # of 255: wrong or inverted colours are 80 away


@pytest.mark.parametrize(
    "content",
    [
        saved(GREY),
        saved(Image.fromarray(GREY).convert("P"), "GIF"),
        saved(GREY.astype(np.uint16) * 257),
        saved(GREY.astype(np.uint16) * 257, "TIFF"),
        saved(Image.merge("LA", [Image.fromarray(GREY), Image.new("L", (40, 24), 255)])),
    ],
    ids=["grey", "palette", "16-bit PNG", "16-bit TIFF", "with alpha"],
)
def test_grey_in_every_dress(content: bytes) -> None:
    np.testing.assert_array_equal(pixels(content), np.stack([GREY] * 3, -1))


def test_black_and_white() -> None:
    np.testing.assert_array_equal(pixels(saved(Image.fromarray(GREY > 99)))[..., 1], 255 * (GREY > 99))


def test_what_is_transparent_is_white() -> None:
    alpha = np.where(np.arange(40) < 20, 255, 0).astype(np.uint8) * np.ones((24, 1), np.uint8)
    expected = np.where(alpha[..., None] > 0, COLOURS, 255)
    np.testing.assert_array_equal(pixels(saved(np.dstack([COLOURS, alpha]))), expected)
    palette = Image.new("P", (40, 24), 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.paste(0, (0, 0, 20, 24))
    for format in ("PNG", "GIF"):
        found = pixels(saved(palette, format, transparency=1))
        assert found[0, 0].tolist() == [255, 0, 0]
        assert found[0, 39].tolist() == [255, 255, 255]


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_camera_held_in_any_way(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(pixels(saved(COLOURS, exif=exif)), UPRIGHT[orientation](COLOURS))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_many(format: str) -> None:
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "lime", "blue")]
    content = saved(
        frames[0], format, save_all=True, append_images=frames[1:], **({"lossless": True} if format == "WEBP" else {})
    )
    found = pixels(content)
    assert found.shape == (7, 9, 3)
    assert (found == [255, 0, 0]).all()


def test_a_large_jpeg_is_decoded_smaller() -> None:
    large = Image.fromarray(COLOURS).resize(
        (4 * images.SHORT_SIDE + 40, 2 * images.SHORT_SIDE + 24), Image.Resampling.NEAREST
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read_photo(saved(large, "JPEG", exif=exif))
    assert found.size == (images.SHORT_SIDE + 12, 2 * images.SHORT_SIDE + 20)  # half, and turned
    error = np.asarray(found.resize((24, 40), Image.Resampling.BOX)).astype(int) - np.rot90(COLOURS, -1)
    assert np.abs(error).mean() < 3
    assert read_photo(saved(large)).size == large.size  # a PNG cannot


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims any size."""
    content = bytearray(saved(COLOURS))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG that claims any size."""
    content = bytearray(saved(COLOURS, "JPEG"))
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", "it is none of PNG, JPEG, BMP, GIF, WEBP, TIFF"),
        (b"\x89PNG\r\n\x1a\n", "not a readable image"),
        (b"RIFF    WEBPVP8 ", "not a readable image"),
        (saved(COLOURS)[:-60], "truncated"),
        (saved(COLOURS, "JPEG")[:-60], "truncated"),
        (saved(COLOURS, "WEBP")[:-60], "not a readable image"),
        (saved(COLOURS).replace(b"IDAT", b"IDAX"), "not a readable image"),
        (png_of(8000, 6400), "51 million pixels, at most 50 million can be read"),
        (png_of(60_000, 60_000), "3600 million pixels, at most 50 million can be read"),
        (jpeg_of(20_000, 12_000), "240 million pixels, at most 200 million can be read"),
        (png_of(0, 24), "not a readable image"),
        (saved(Image.fromarray(GREY.astype(np.float32)), "TIFF"), "32 bits a pixel"),
        (saved(Image.fromarray(GREY.astype(np.int32)), "TIFF"), "32 bits a pixel"),
    ],
)
def test_refused(content: bytes, cause: str, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(content)
    for source, name in [(tmp_path / "x.jpg", r"x\.jpg"), (content, "the image")]:
        with pytest.raises(S2MError, match=f"{name} is not a readable image .*: remove it or save it again") as error:
            read_photo(source)
        assert cause in str(error.value)
        assert "\n" not in str(error.value)
    with pytest.raises(S2MError, match=r"^third of lime is not"):
        read_photo(content, "third of lime")


def test_a_file_that_is_gone_or_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(S2MError, match="is not a readable image"):
            read_photo(path)


def test_many_threads_read_at_once() -> None:
    contents = [saved(np.full((5, 5, 3), value, np.uint8)) for value in range(50)]
    with ThreadPoolExecutor(8) as pool:
        assert [image.getpixel((0, 0))[0] for image in pool.map(read_photo, contents)] == list(range(50))
