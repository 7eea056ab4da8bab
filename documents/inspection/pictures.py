"""Opens pictures and draws their sizes, in a process of its own. The server itself decodes no uploaded picture.

A drawn file has the first frame with its orientation applied, in 8 bits per channel. It keeps the colour profile and no
other metadata of the original (no place, device, author, thumbnail or comment).
"""

import base64
from io import BytesIO
from typing import IO, Any

from PIL import AvifImagePlugin, Image, ImageCms, ImageOps

from documents.inspection.reader import FileTooLargeError, UnreadableFileError, answer

FORMATS = ["AVIF", "GIF", "JPEG", "PNG", "WEBP"]
MAX_PIXELS = 64_000_000  # of one frame, at 4 bytes per pixel
REDUCED_SIDE = 3_200  # pixels of the longer side after reduction: twice that of the largest size
OPTIONS: dict[str, dict[str, Any]] = {
    "avif": {"quality": 61, "speed": 8},  # twice as fast as by default, for files that are a twentieth larger
    "jpeg": {"quality": 76, "progressive": True, "optimize": True},
    "png": {"optimize": True},
    "webp": {"quality": 80},
}
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the stack of each thread counts towards the memory limit
Image.MAX_IMAGE_PIXELS = None  # checked below, against MAX_PIXELS


def look(file: IO[bytes]) -> dict[str, Any]:
    """The facts of a picture, after a test that it can be opened, loaded and written in a small size.

    Width and height are in pixels, after the orientation is applied.
    """
    with _opened(file) as picture:
        # Phones append a second picture to the first. Other programs read such an MPO file as JPEG.
        image_format = "JPEG" if picture.format == "MPO" else picture.format
        frames = getattr(picture, "n_frames", 1)
        flat, size = _flat(picture)
        for kind in ("jpeg", "webp"):
            _encoded(flat.resize((16, 16)), kind)
    return {"format": str(image_format).lower(), "frames": frames, "width": size[0], "height": size[1]}


def draw(file: IO[bytes], sizes: list[dict[str, Any]]) -> list[str]:
    """The drawn files, in base64. A size has a `crop` (left, top, right, bottom), a `size` and a `format`."""
    with _opened(file) as picture:
        flat, size = _flat(picture)
    made = []
    for wanted in sizes:
        across, down = flat.width / size[0], flat.height / size[1]
        left, top, right, bottom = wanted["crop"]
        box = (
            max(left * across, 0),
            max(top * down, 0),
            min(right * across, flat.width),
            min(bottom * down, flat.height),
        )
        drawn = flat.resize(tuple(wanted["size"]), Image.Resampling.LANCZOS, box)
        made.append(base64.b64encode(_encoded(drawn, wanted["format"])).decode())
    return made


def _opened(file: IO[bytes]) -> Image.Image:
    picture = Image.open(file, formats=FORMATS)
    if picture.width * picture.height > MAX_PIXELS:
        raise FileTooLargeError
    return picture


def _flat(picture: Image.Image) -> tuple[Image.Image, tuple[int, int]]:
    """The picture in mode L, RGB or RGBA with its orientation applied, and its original size.

    A large picture is reduced first, because every step copies it.
    """
    profile = picture.info.get("icc_profile")
    orientation = picture.getexif().get(0x0112, 1)
    width, height = picture.size
    picture.load()
    if picture.mode == "P":
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    elif picture.mode.startswith("I;16"):
        picture = picture.convert("I").point(lambda value: value / 256).convert("L")
    if (factor := max(picture.size) // REDUCED_SIDE) > 1 and picture.mode != "1":
        picture = picture.reduce(factor)
    flat = _in_plain_colours(picture, profile)
    # `exif_transpose` reads the orientation only from the metadata.
    flat.getexif()[0x0112] = orientation
    flat = ImageOps.exif_transpose(flat)
    return flat, (height, width) if orientation in (5, 6, 7, 8) else (width, height)


def _in_plain_colours(picture: Image.Image, profile: bytes | None) -> Image.Image:
    mode = "RGBA" if picture.has_transparency_data else "L" if picture.mode in ("1", "L", "I", "F") else "RGB"
    flat = _as_srgb(picture, profile, mode) if profile and picture.mode == "CMYK" else picture.convert(mode)
    flat.info = {"icc_profile": profile} if profile and _is_usable(profile, mode) else {}
    return flat


def _as_srgb(picture: Image.Image, profile: bytes, mode: str) -> Image.Image:
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), outputMode=mode) or picture
    except ImageCms.PyCMSError:
        return picture.convert(mode)


def _is_usable(profile: bytes, mode: str) -> bool:
    """Whether it is an RGB profile and the picture has RGB colours."""
    try:
        space = ImageCms.ImageCmsProfile(BytesIO(profile)).profile.xcolor_space.strip()
    except (OSError, ImageCms.PyCMSError):
        return False
    return space == "RGB" and mode != "L"


def _encoded(picture: Image.Image, image_format: str) -> bytes:
    profile = picture.info.get("icc_profile")
    if image_format == "jpeg" and picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture)
        picture = white.convert("RGB")
    picture.info = {}
    content = BytesIO()
    picture.save(content, image_format.upper(), icc_profile=profile, **OPTIONS[image_format])
    return content.getvalue()


def read(file: IO[bytes], question: str, *sizes: list[dict[str, Any]]) -> dict[str, Any] | list[str]:
    if question == "look":
        return look(file)
    if question == "draw":
        return draw(file, *sizes)
    raise UnreadableFileError


if __name__ == "__main__":
    answer(read)
