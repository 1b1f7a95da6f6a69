"""Opening image files, whatever is in them: the one place where a picture from outside is decoded."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from s2m.errors import S2MError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # others are seldom photographs, and parsers have bugs
MOST_PIXELS = 50_000_000  # decoded they take 150 MB, and as much again where they are turned or have an alpha channel
MOST_PIXELS_JPEG = 200_000_000  # decoded at an eighth of its size; a progressive one still takes 600 MB meanwhile
SHORT_SIDE = 1024  # a JPEG is not reduced below this: no network here looks at more
# What Pillow raises on damaged files.
BROKEN = (
    Image.DecompressionBombError,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

Image.init()  # registers the formats; left for later, every thread would do it


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Image files below a folder, sorted. Raises S2MError where there is no such folder, or no image in it."""
    folder = Path(folder)
    if not folder.is_dir():
        raise S2MError(f"{folder} is not a folder: give a folder of images")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise S2MError(f"{folder} holds no image ({', '.join(SUFFIXES)}): give a folder of images")
    return found


def read_photo(source: Path | bytes, name: str = "") -> Image.Image:
    """An image file as people see it: RGB with 8 bits, upright, its first frame, white where it is transparent.

    source: a path, or the content of a file.
    name: what an error calls the file; by default its path.

    A JPEG whose shorter side is more than twice SHORT_SIDE is decoded at a half, a quarter or an eighth of its size.
    Any thread may call this. Raises S2MError for what is empty, damaged, cut short, no image, of more than 50 million
    pixels (a JPEG: 200 million), or has 32 bits a pixel and channel.

    >>> picture = Image.new("RGBA", (4, 3), "#ff000000")  # red glass that lets everything through
    >>> file = io.BytesIO()
    >>> picture.save(file, "PNG")
    >>> read_photo(file.getvalue()).getpixel((0, 0))
    (255, 255, 255)
    """
    name = name or (str(source) if isinstance(source, Path) else "the image")
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream, _open(stream) as image:
            return _eight_bits(ImageOps.exif_transpose(image))
    except BROKEN as error:
        raise S2MError(f"{name} is not a readable image ({error}): remove it or save it again") from error


def _open(stream: BinaryIO) -> Image.Image:
    """The image, not decoded yet. Instead of Image.open, which warns of large images before they can be reduced."""
    start = stream.read(16)
    stream.seek(0)
    if not start:
        raise ValueError("the file is empty")
    for each in FORMATS:
        factory, accepts = Image.OPEN[each]
        if accepts is not None and accepts(start) is True:
            image = factory(stream, "")
            break
    else:
        raise ValueError(f"it is none of {', '.join(FORMATS)}")
    pixels, most = image.width * image.height, MOST_PIXELS_JPEG if each == "JPEG" else MOST_PIXELS
    if pixels > most:
        raise ValueError(f"{pixels / 1e6:.0f} million pixels, at most {most / 1e6:.0f} million can be read")
    image.draft(None, (SHORT_SIDE, SHORT_SIDE))  # does nothing but to a JPEG
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))  # Pillow would cut off all above 255
    elif image.mode in ("I", "F"):
        raise ValueError("it has 32 bits a pixel")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")
