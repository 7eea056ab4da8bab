"""Makes files as office programs, cameras and phones do, sound ones and damaged ones."""

import zipfile
from io import BytesIO
from random import Random
from typing import Any

from PIL import Image as Picture
from PIL import ImageCms
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfWriter

from pages.demo import sample_content

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OOXML = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:a="a" xmlns:p="p"'
ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "style", "text", "table", "draw", "presentation")
)


def packed(**parts: str) -> bytes:
    found = BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return found.getvalue()


def docx(*paragraphs: str, styles: str = "", **more: str) -> bytes:
    body = "".join(f"<w:p>{paragraph}</w:p>" for paragraph in paragraphs)
    return packed(
        **{
            "word/document.xml": f'<w:document xmlns:w="{WORD}" xmlns:mc="mc"><w:body>{body}</w:body></w:document>',
            "word/styles.xml": f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>',
            **more,
        }
    )


def odf(content: str, styles: str = "") -> bytes:
    return packed(
        **{
            "content.xml": f"<a {ODF}><office:automatic-styles>{styles}</office:automatic-styles>{content}</a>",
            "styles.xml": f"<a {ODF}/>",
        }
    )


def pptx(*slides: str, hidden: Any = (), listed: int | None = None, **more: str) -> bytes:
    numbers = range(1, len(slides) + 1)
    ids = "".join(f'<p:sldId r:id="r{number}"/>' for number in list(numbers)[:listed])
    relations = "".join(f'<r Id="r{number}" Target="slides/slide{number}.xml"/>' for number in numbers)
    parts = {
        "ppt/presentation.xml": f"<p:presentation {OOXML}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": f"<relations>{relations}</relations>",
    }
    for number, slide in enumerate(slides, 1):
        show = ' show="0"' if number in hidden else ""
        parts[f"ppt/slides/slide{number}.xml"] = f"<p:sld {OOXML}{show}>{slide}</p:sld>"
    return packed(**parts, **more)


def xlsx(*sheets: str, strings: Any = (), states: Any = (), columns: str = "", **more: str) -> bytes:
    listed = relations = ""
    parts = {}
    for number, rows in enumerate(sheets, 1):
        state = f' state="{states[number - 1]}"' if states else ""
        listed += f'<sheet name="{number}"{state} r:id="r{number}"/>'
        relations += f'<r Id="r{number}" Target="/xl/worksheets/sheet{number}.xml"/>'
        columns_of = f"<cols>{columns}</cols>" if columns else ""
        parts[f"xl/worksheets/sheet{number}.xml"] = f"<s>{columns_of}<sheetData>{rows}</sheetData></s>"
    texts = "".join(f"<si><t>{text}</t></si>" for text in strings)
    return packed(
        **{
            "xl/workbook.xml": f"<workbook {OOXML}><sheets>{listed}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f"<relations>{relations}</relations>",
            "xl/sharedStrings.xml": f"<sst>{texts}</sst>",
        },
        **parts,
        **more,
    )


MARK = "zzmark"  # stands in all metadata of pictures


def _picture(mode: str) -> Picture.Image:
    picture = Picture.linear_gradient("L").resize((300, 200))
    if mode == "I;16":
        return picture.convert("I").point(lambda value: value * 257).convert("I;16")
    if mode in ("LA", "RGBA"):
        picture = picture.convert(mode)
        picture.putalpha(120)
        return picture
    return picture.convert(mode)


def _exif(orientation: int = 6) -> Picture.Exif:
    """Place, device and author, as a phone writes them."""
    exif = Picture.Exif()
    exif[0x0112], exif[0x010F], exif[0x013B], exif[0x9286] = orientation, MARK, MARK, MARK.encode()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 12.0, 0.0), 3: "E", 4: (0.0, 7.0, 0.0), 29: MARK})
    return exif


def picture(image_format: str, mode: str = "RGB", **more: Any) -> bytes:
    """A picture of 300 by 200 with metadata of every kind that the format has."""
    content = BytesIO()
    if image_format == "JPEG":
        more = {"comment": MARK, "xmp": f"<x>{MARK}</x>".encode(), **more}
    elif image_format == "PNG":
        text = PngInfo()
        text.add_text("Author", MARK)
        text.add_itxt("XML:com.adobe.xmp", MARK)
        more = {"pnginfo": text, **more}
    elif image_format == "GIF":
        more = {"comment": MARK.encode(), **more}
    else:
        more = {"xmp": f"<x>{MARK}</x>".encode(), **more}
    if image_format != "GIF":
        more = {"exif": _exif(), **more}
    _picture(mode).save(content, image_format, **more)
    return content.getvalue()


def _animated(image_format: str) -> bytes:
    frames = [Picture.new("RGB", (300, 200), colour) for colour in ("red", "green", "blue")]
    return picture(image_format, save_all=True, append_images=frames)


def _pdf(password: str | None = None, **more: Any) -> bytes:
    writer, content = PdfWriter(), BytesIO()
    writer.append(BytesIO(sample_content.pdf("Shoplifting")))
    if password is not None:
        writer.encrypt(password, owner_password="owner", algorithm="AES-256", **more)
    writer.write(content)
    return content.getvalue()


def _profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


ROW = '<row><c t="str"><v>Ward</v></c></row>'
CELL = "<table:table><table:table-row><table:table-cell><text:p>Ward</text:p></table:table-cell></table:table-row></table:table>"


def sound() -> dict[str, dict[str, bytes]]:
    """By extension, files of many kinds that programs write and people can open."""
    return {
        "pdf": {"plain": sample_content.pdf("Ward"), "written again": _pdf(), "printing forbidden": _pdf("")},
        "docx": {"plain": docx("<w:r><w:t>Ward</w:t></w:r>")},
        "xlsx": {"plain": xlsx(ROW, ROW), "a hidden sheet": xlsx(ROW, ROW, states=["hidden", "visible"])},
        "pptx": {"plain": pptx("<a:p><a:t>Ward</a:t></a:p>"), "a hidden slide": pptx("<a:p/>", "<a:p/>", hidden={1})},
        "odt": {"plain": odf("<text:p>Ward</text:p>")},
        "ods": {"plain": odf(CELL)},
        "odp": {"plain": odf("<draw:page><text:p>Ward</text:p></draw:page>")},
        "csv": {"plain": b"ward,thefts\r\nMarket,12\r\n", "empty": b"", "not unicode": "Café;1".encode("cp1252")},
        "txt": {"plain": b"Ward", "utf-16": "Ward".encode("utf-16"), "zeros": bytes(50)},
        "json": {"plain": b'{"ward": 1}', "no json": b"{{{{"},
        "jpg": {
            **{mode: picture("JPEG", mode) for mode in ("L", "RGB", "CMYK", "1")},
            "with a profile": picture("JPEG", icc_profile=_profile()),
            "with a profile that is none": picture("JPEG", icc_profile=b"no profile"),
        },
        "png": {
            **{mode: picture("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")},
            "transparent colours": picture("PNG", "P", transparency=bytes(range(256))),
            "one transparent colour": picture("PNG", "RGB", transparency=(0, 0, 0)),
            "animated": _animated("PNG"),
        },
        "gif": {**{mode: picture("GIF", mode) for mode in ("L", "P")}, "animated": _animated("GIF")},
        "webp": {**{mode: picture("WEBP", mode) for mode in ("RGB", "RGBA")}, "animated": _animated("WEBP")},
        "avif": {mode: picture("AVIF", mode) for mode in ("RGB", "RGBA")},
    }


def damaged(content: bytes, other: bytes, random: Random) -> dict[str, bytes]:
    """The same file with one fault each: what a broken line, disk or program makes of it, and somebody who tries."""
    found = {
        "empty": b"",
        "half": content[: len(content) // 2],
        "without its end": content[:-12],
        "without its beginning": content[6:],
        "with zeros inside": content[: len(content) // 3] + bytes(64) + content[len(content) // 3 + 64 :],
        "with something behind": content + b"\n<script>1</script>" * 20,
        "another format": other,
    }
    for number in (1, 3, 10, 40):
        changed = bytearray(content)
        for _ in range(number):
            changed[random.randrange(len(changed))] = random.randrange(256)
        found[f"with bytes changed, {number}"] = bytes(changed)
    return found


def corpus(extension: str, seed: int) -> dict[str, bytes]:
    """By name, at least 12 files with this extension."""
    random, every = Random(f"{seed} {extension}"), sound()
    own = every[extension]
    other = every["png" if extension == "docx" else "docx"]["RGB" if extension == "docx" else "plain"]
    found = dict(own.items())
    if extension == "pdf":
        found["password"] = _pdf("secret")
        found["another protection"] = _pdf("").replace(b"/Filter /Standard", b"/Filter /PubSec__")
    first = next(iter(own.values()))
    found |= damaged(first, other, random)
    return {f"{name}.{extension}".replace(" ", "-").replace(";", ""): content for name, content in found.items()}
