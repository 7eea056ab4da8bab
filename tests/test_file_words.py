"""The words of uploaded files: each format that can be uploaded, broken ones, and how much is read at most."""

import zipfile
from io import BytesIO

import pytest
from django.core.files.base import ContentFile

from documents import text
from documents.models import Document, DocumentText
from documents.text import text_of
from pages import sample_content
from tests import factories

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
ODF = 'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'


def packed(**parts: str) -> bytes:
    found = BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return found.getvalue()


def docx(*paragraphs: str) -> bytes:
    body = "".join(f"<w:p>{paragraph}</w:p>" for paragraph in paragraphs)
    return packed(**{"word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'})


def read(content: bytes, extension: str) -> str:
    file = ContentFile(content, f"file.{extension}")
    found = text_of(file, extension)
    assert file.tell() == 0
    return found


FILES = {
    "txt": (b"One two\n\nthree", "One two\nthree"),
    "csv": (b"ward,thefts\r\nMarket,12\r\n", "ward,thefts\nMarket,12"),
    "json": (b'{"ward": "Market"}', '{"ward": "Market"}'),
    "pdf": (sample_content.pdf("Shoplifting in the market"), "Shoplifting in the market"),
    "docx": (
        docx(
            "<w:r><w:t>Shop</w:t></w:r><w:r><w:t>lifting</w:t><w:tab/><w:t>fell</w:t></w:r>",
            "<w:r><w:delText>Jane</w:delText><w:instrText>PAGE</w:instrText><w:t>Next</w:t></w:r>",
        ),
        "Shoplifting fell\nNext",
    ),
    "odt": (
        packed(
            **{
                "content.xml": f"<a {ODF}><text:tracked-changes><text:p>Jane</text:p></text:tracked-changes>"
                "<text:h>Head</text:h><text:p>One <text:span>two</text:span> three<text:s/>four"
                "<annotation><text:p>Jane</text:p></annotation></text:p></a>"
            }
        ),
        "Head\nOne two three four",
    ),
    "ods": (
        packed(
            **{
                "content.xml": f'<a {ODF} xmlns:table="t"><table:table-cell><text:p>Ward</text:p></table:table-cell></a>'
            }
        ),
        "Ward",
    ),
    "odp": (packed(**{"content.xml": f"<a {ODF}><text:p>Slide</text:p></a>"}), "Slide"),
    "pptx": (
        packed(
            **{
                "ppt/slides/slide10.xml": '<a xmlns:a="a"><a:p><a:t>Tenth</a:t></a:p></a>',
                "ppt/slides/slide9.xml": '<a xmlns:a="a"><a:p><a:t>Ninth</a:t></a:p></a>',
                "ppt/notesSlides/notesSlide1.xml": "<a><p>Notes for the speaker</p></a>",
            }
        ),
        "Ninth\nTenth",
    ),
    "xlsx": (
        packed(
            **{
                "xl/sharedStrings.xml": "<sst><si><t>Ward</t></si><si><t>Market</t></si></sst>",
                "xl/worksheets/sheet1.xml": "<s><c><v>1</v><f>SUM(A1)</f></c><c><is><t>Inline</t></is></c></s>",
            }
        ),
        "Ward Market\nInline",
    ),
}


def test_every_format_that_can_be_uploaded_is_read(settings):
    assert sorted(FILES) == sorted(settings.WAGTAILDOCS_EXTENSIONS)


@pytest.mark.parametrize("extension", FILES)
def test_the_words_of_a_file(extension):
    content, words = FILES[extension]
    assert read(content, extension).replace(" \n", "\n") == words


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Café".encode(), "Café"),
        ("\ufeffCafé".encode(), "Café"),
        ("Café".encode("utf-16"), "Café"),
        ("Café – “fine”".encode("cp1252"), "Café – “fine”"),
        (b"One\x00two", "One two"),
        ("\ufb01ne o\ufb03ce".encode(), "fine office"),  # ligatures
    ],
)
def test_letters_arrive_as_they_were_written(content, words):
    assert read(content, "txt") == words


XML_BOMB = '<!DOCTYPE a [<!ENTITY b "boom boom boom">]><a><p>&b;</p></a>'
BROKEN = {
    "pdf without an end": (sample_content.pdf("Words")[:200], "pdf"),
    "not a pdf": (b"no", "pdf"),
    "empty pdf": (b"", "pdf"),
    "not a zip": (b"PK\x03\x04 and no more", "docx"),
    "zip without the part": (packed(other="x"), "odt"),
    "entities": (packed(**{"word/document.xml": XML_BOMB}), "docx"),
    "a part that is not XML": (packed(**{"content.xml": "no"}), "odt"),
    "a picture": (b"\x89PNG", "png"),
    "empty": (b"", "txt"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_has_no_words(name):
    assert read(*BROKEN[name]) == ""


def test_a_part_that_breaks_off_is_read_up_to_there():
    assert read(packed(**{"content.xml": "<a><p>One</p><p>Two"}), "odt") == "One\nTwo"


def test_a_file_that_is_missing_has_no_words(db):
    document = factories.document()
    document.file.storage.delete(document.file.name)
    document = Document.objects.get(pk=document.pk)
    document.read_words()
    assert DocumentText.objects.get(document=document).text == ""


def test_so_many_letters_at_most(monkeypatch):
    monkeypatch.setattr(text, "MAX_LETTERS", 10)
    assert read(b"a" * 30, "txt") == "a" * 10
    assert read(docx("<w:t>One two</w:t>", "<w:t>three four</w:t>"), "docx") == "One two\nth"


def test_a_zip_bomb_is_read_up_to_a_size(monkeypatch):
    monkeypatch.setattr(text, "CHUNK", 1_000)
    monkeypatch.setattr(text, "MAX_XML", 2_000)
    content = packed(**{"content.xml": "<a><p>Begin</p>" + "<b/>" * 500_000 + "<p>end</p></a>"})
    assert len(content) < 10_000
    assert read(content, "odt") == "Begin"


def test_so_many_pages_and_so_much_time_at_most(monkeypatch):
    content = sample_content.pdf("Words")
    monkeypatch.setattr(text, "MAX_SECONDS", -1)
    assert read(content, "pdf") == ""
    monkeypatch.setattr(text, "MAX_SECONDS", 10)
    monkeypatch.setattr(text, "MAX_PDF_PAGE", 5)
    assert read(content, "pdf") == ""
    monkeypatch.setattr(text, "MAX_PDF_PAGE", 5_000)
    monkeypatch.setattr(text, "MAX_PAGES", 0)
    assert read(content, "pdf") == ""
    monkeypatch.setattr(text, "MAX_PAGES", 1)
    assert read(content, "pdf") == "Words"


def test_the_words_are_kept_when_a_file_is_uploaded_and_replaced(db):
    document = factories.document("Report", b"first", "a.txt")
    assert document.words.text == "first"
    assert document.words.file_key == document.file_key
    document.title = "Other"
    document.save()
    document.file = ContentFile(b"second", "a.txt")
    document.save()
    kept = DocumentText.objects.get()
    assert (kept.text, kept.file_key) == ("second", Document.objects.get().file_key)
    document.delete()
    assert not DocumentText.objects.exists()
