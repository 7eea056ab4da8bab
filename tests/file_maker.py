"""Makes files as office programs, cameras and phones do, sound ones and damaged ones."""

import zipfile
from io import BytesIO
from typing import Any

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
