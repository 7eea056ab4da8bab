"""The sizes in which pictures are drawn. All lists are closed: nobody can have another size drawn."""

from hashlib import sha256

from documents.choices import PictureCrop, PictureFormat, PictureWidth

# Named sizes, which are drawn when a picture is uploaded. The names are those of the GraphQL enumeration.
RENDITIONS = {
    "THUMBNAIL": "fill-160x160|format-webp",
    "CARD": "fill-640x360|format-webp",
    "CONTENT": "max-1200x1200|format-webp",
    "HERO": "fill-1600x600|format-webp",
    "SOCIAL": "fill-1200x630|format-jpeg",
}
# All sizes that are drawn at the upload: the named ones and those of the admin's screens.
ALL_SIZES = (*RENDITIONS.values(), "max-165x165", "max-800x600")

# Sizes for the `srcset` of HTML, which are drawn after the publication. Of a crop: its aspect ratio, None for the whole
# picture.
CROPS = {
    PictureCrop.WHOLE: None,
    PictureCrop.LANDSCAPE: (16, 9),
    PictureCrop.WIDE: (8, 3),
    PictureCrop.SQUARE: (1, 1),
}
WIDTHS = tuple(int(each) for each in PictureWidth.values)  # in pixels


def srcset_spec(crop: PictureCrop, width: int, image_format: PictureFormat) -> str:
    """Wagtail's filter for a size of `srcset`. A picture that is smaller keeps its own width."""
    ratio = CROPS[crop]
    operation = f"fill-{width}x{round(width * ratio[1] / ratio[0])}" if ratio else f"width-{width}"
    return f"{operation}|format-{image_format.value}"


def srcset_widths(crop: PictureCrop, size: tuple[int, int]) -> tuple[int, ...]:
    """The widths that are drawn of a picture of this size: those below its own, and the next one."""
    ratio, (width, height) = CROPS[crop], size
    own = min(width, height * ratio[0] / ratio[1]) if ratio else width
    return WIDTHS[: sum(each < own for each in WIDTHS) + 1]


# The names of all files that readers can have, by Wagtail's filter. A named size that is also one of `srcset` keeps its
# name.
FILE_NAMES = {
    srcset_spec(crop, width, each): f"{crop.value}-{width}.{each.value}"
    for crop in CROPS
    for width in WIDTHS
    for each in PictureFormat
} | {spec: f"{name.lower()}.{'jpg' if 'jpeg' in spec else 'webp'}" for name, spec in RENDITIONS.items()}
# Changes with the lists, so that pictures get the sizes that are new.
SRCSET_VERSION = sha256("\n".join(sorted(FILE_NAMES)).encode()).hexdigest()[:16]
