"""The words of uploaded files: each format that can be uploaded, what nobody sees in it, and how much is read."""

from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.management import call_command

from documents.inspection import office, office_words, pdf, text
from documents.inspection.facts import read_document
from documents.inspection.reader import ReadingTimeoutError
from documents.models import Document, DocumentText
from pages.demo import sample_content
from tests import factories
from tests.file_maker import docx, odf, packed, pptx, xlsx

pytestmark = pytest.mark.one_database


def words_of(content: bytes, extension: str) -> str:
    """As the reader of the format reads them, in this process."""
    if extension == "pdf":
        return pdf.read(BytesIO(content))["words"]
    if extension in text.PLAIN:
        return text.plain_text(BytesIO(content))
    return " ".join(office.read(BytesIO(content), extension)["words"].split(" "))


FILES = {
    "txt": (b"One two\n\nthree", "One two\nthree"),
    "csv": (b"ward,thefts\r\nMarket,12\r\n", "ward,thefts\nMarket,12"),
    "json": (b'{"ward": "Market"}', '{"ward": "Market"}'),
    "pdf": (sample_content.pdf("Shoplifting in the market"), "Shoplifting in the market"),
    "docx": (
        docx(
            "<w:r><w:t>Shop</w:t></w:r><w:r><w:t>lifting</w:t><w:tab/><w:t>fell</w:t></w:r>",
            "<w:r><w:t>Next</w:t></w:r>",
        ),
        "Shoplifting fell\nNext",
    ),
    "odt": (odf("<text:h>Head</text:h><text:p>One <text:span>two</text:span> three<text:s/>four</text:p>"),
            "Head\nOne two three four"),
    "ods": (odf("<table:table><table:table-row><table:table-cell><text:p>Ward</text:p></table:table-cell>"
                "</table:table-row></table:table>"), "Ward"),
    "odp": (odf("<draw:page><text:p>Slide</text:p></draw:page>"), "Slide"),
    "pptx": (pptx("<a:p><a:t>First</a:t></a:p>", "<a:p><a:t>Second</a:t></a:p>"), "First\nSecond"),
    "xlsx": (
        xlsx(
            '<row><c r="A1" t="s"><v>1</v></c><c r="B1"><v>12</v></c><c t="str"><f>A1&amp;B1</f><v>Made</v></c></row>'
            '<row><c t="inlineStr"><is><t>Inline</t></is></c><c t="s"><v>0</v></c></row>',
            strings=["Market", "Ward"],
        ),
        "Ward Made Inline Market",
    ),
}  # fmt: skip


def test_every_format_that_can_be_uploaded_is_read(settings):
    assert sorted(FILES) == sorted(settings.WAGTAILDOCS_EXTENSIONS)


@pytest.mark.parametrize("extension", FILES)
def test_the_words_of_a_file(extension):
    content, words = FILES[extension]
    assert words_of(content, extension).replace(" \n", "\n") == words


def _styled(kind: str, properties: str, content: str) -> bytes:
    styles = f'<style:style style:name="S" style:family="{kind}">{properties}</style:style>'
    styles += f'<style:style style:name="below" style:family="{kind}" style:parent-style-name="S"/>'
    return odf(content, styles)


W_VANISH = (
    '<w:style w:styleId="S"><w:rPr><w:vanish/></w:rPr></w:style><w:style w:styleId="B"><w:basedOn w:val="S"/></w:style>'
)
CELL = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
HIDDEN = {
    "docx: hidden text": docx("<w:r><w:rPr><w:vanish/></w:rPr><w:t>Secret</w:t></w:r><w:r><w:t>Seen</w:t></w:r>"),
    "docx: hidden text style": docx(
        '<w:r><w:rPr><w:rStyle w:val="B"/></w:rPr><w:t>Secret</w:t></w:r><w:r><w:t>Seen</w:t></w:r>', styles=W_VANISH
    ),
    "docx: hidden paragraph style": docx(
        '<w:pPr><w:pStyle w:val="S"/></w:pPr><w:r><w:t>Secret</w:t></w:r>', "<w:r><w:t>Seen</w:t></w:r>", styles=W_VANISH
    ),
    "docx: hidden row": docx(
        "<w:tbl><w:tr><w:trPr><w:hidden/></w:trPr><w:tc><w:p><w:t>Secret</w:t></w:p></w:tc></w:tr>"
        "<w:tr><w:tc><w:p><w:t>Seen</w:t></w:p></w:tc></w:tr></w:tbl>"
    ),
    "docx: only the mark of the paragraph": docx(
        "<w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr><w:r><w:t>Seen</w:t></w:r>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>Secret</w:t></w:r>"
    ),
    "docx: not hidden after all": docx(
        '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>Seen</w:t></w:r><w:del><w:r><w:delText>Secret</w:delText></w:r></w:del>'
    ),
    "docx: field codes, moved text, fallbacks": docx(
        "<w:r><w:instrText>Secret</w:instrText><w:t>Seen</w:t></w:r><w:moveFrom><w:r><w:t>Secret</w:t></w:r></w:moveFrom>"
        "<mc:Fallback><w:r><w:t>Secret</w:t></w:r></mc:Fallback>"
    ),
    "docx: comments": docx("<w:r><w:t>Seen</w:t></w:r>", **{"word/comments.xml": "<w><p><t>Secret</t></p></w>"}),
    "pptx: hidden slide": pptx("<a:p><a:t>Secret</a:t></a:p>", "<a:p><a:t>Seen</a:t></a:p>", hidden={1}),
    "pptx: slide that is in no list": pptx("<a:p><a:t>Seen</a:t></a:p>", "<a:p><a:t>Secret</a:t></a:p>", listed=1),
    "pptx: hidden shape": pptx(
        '<p:sp><p:nvSpPr><p:cNvPr hidden="1"/></p:nvSpPr><p:txBody><a:p><a:t>Secret</a:t></a:p></p:txBody></p:sp>'
        '<p:sp><p:nvSpPr><p:cNvPr id="2"/></p:nvSpPr><p:txBody><a:p><a:t>Seen</a:t></a:p></p:txBody></p:sp>'
    ),
    "pptx: notes for the speaker": pptx(
        "<a:p><a:t>Seen</a:t></a:p>", **{"ppt/notesSlides/notesSlide1.xml": "<a><p><t>Secret</t></p></a>"}
    ),
    "xlsx: hidden sheet": xlsx('<row><c t="s"><v>0</v></c></row>', '<row><c t="s"><v>1</v></c></row>',
                               strings=["Secret", "Seen"], states=["hidden", "visible"]),
    "xlsx: very hidden sheet": xlsx('<row><c t="s"><v>0</v></c></row>', '<row><c t="s"><v>1</v></c></row>',
                                    strings=["Secret", "Seen"], states=["veryHidden", "visible"]),
    "xlsx: a string in no cell": xlsx('<row><c t="s"><v>1</v></c></row>', strings=["Secret", "Seen"]),
    "xlsx: hidden row": xlsx('<row hidden="1"><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row>',
                             strings=["Secret", "Seen"]),
    "xlsx: row without height": xlsx('<row ht="0"><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row>',
                                     strings=["Secret", "Seen"]),
    "xlsx: hidden column": xlsx('<row><c r="A1" t="s"><v>1</v></c><c r="AB1" t="s"><v>0</v></c></row>',
                                strings=["Secret", "Seen"], columns='<col min="27" max="30" hidden="1"/>'),
    "xlsx: hidden column, cells without names": xlsx('<row><c t="s"><v>1</v></c><c t="str"><v>Secret</v></c></row>',
                                                     strings=["", "Seen"], columns='<col min="2" max="2" width="0"/>'),
    "xlsx: comments": xlsx('<row><c t="s"><v>0</v></c></row>', strings=["Seen"],
                           **{"xl/comments1.xml": "<c><t>Secret</t></c>"}),
    "odt: hidden text": _styled("text", '<style:text-properties text:display="none"/>',
                                '<text:p>Seen<text:span text:style-name="S">Secret</text:span></text:p>'),
    "odt: hidden by the style above": _styled("paragraph", '<style:text-properties text:display="none"/>',
                                              '<text:p text:style-name="below">Secret</text:p><text:p>Seen</text:p>'),
    "odt: hidden section": odf('<text:section text:display="none"><text:p>Secret</text:p></text:section><text:p>Seen</text:p>'),
    "odt: hidden paragraph": odf('<text:p>Seen<text:hidden-text text:is-hidden="true">Secret</text:hidden-text></text:p>'),
    "odt: comments and deleted text": odf(
        "<text:tracked-changes><text:p>Secret</text:p></text:tracked-changes>"
        "<text:p>Seen<office:annotation><text:p>Secret</text:p></office:annotation></text:p>"
    ),
    "ods: hidden sheet": _styled("table", '<style:table-properties table:display="false"/>',
        f'<table:table table:style-name="S"><table:table-row>{CELL.format("Secret")}</table:table-row></table:table>'
        f'<table:table><table:table-row>{CELL.format("Seen")}</table:table-row></table:table>'),
    "ods: hidden row": odf(
        f'<table:table><table:table-row table:visibility="collapse">{CELL.format("Secret")}</table:table-row>'
        f'<table:table-row table:visibility="filter">{CELL.format("Secret")}</table:table-row>'
        f'<table:table-row>{CELL.format("Seen")}</table:table-row></table:table>'
    ),
    "ods: hidden column": odf(
        '<table:table><table:table-column table:number-columns-repeated="3"/>'
        '<table:table-column table:visibility="collapse"/><table:table-row>'
        f'<table:table-cell table:number-columns-repeated="2"/>{CELL.format("Seen")}{CELL.format("Secret")}'
        "</table:table-row></table:table>"
    ),
    "ods: words of a message": odf(
        "<table:content-validations><table:error-message><text:p>Secret</text:p></table:error-message>"
        "</table:content-validations><text:p>Seen</text:p>"
    ),
    "odp: hidden slide": _styled("drawing-page", '<style:drawing-page-properties presentation:visibility="hidden"/>',
        '<draw:page draw:style-name="S"><text:p>Secret</text:p></draw:page><draw:page><text:p>Seen</text:p></draw:page>'),
    "odp: notes for the speaker": odf(
        "<draw:page><text:p>Seen</text:p><presentation:notes><text:p>Secret</text:p></presentation:notes></draw:page>"
    ),
    "odp: hidden layer": odf(
        '<draw:page><draw:frame draw:layer="off"><text:p>Secret</text:p></draw:frame><text:p>Seen</text:p></draw:page>',
        '<draw:layer-set><draw:layer draw:name="off" draw:display="none"/></draw:layer-set>',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN)
def test_what_nobody_sees_in_the_file_is_not_read(name):
    assert words_of(HIDDEN[name], name.partition(":")[0]).strip() == "Seen"


def test_every_office_format_is_among_those_with_hidden_things():
    assert {name.partition(":")[0] for name in HIDDEN} == set(office.FOLDERS)


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
    assert words_of(content, "txt") == words


XML_BOMB = '<!DOCTYPE a [<!ENTITY b "boom boom boom">]><a><p>&b;</p></a>'
BROKEN = {
    "pdf without an end": (sample_content.pdf("Words")[:200], "pdf"),
    "not a pdf": (b"no", "pdf"),
    "empty pdf": (b"", "pdf"),
    "not a zip": (b"PK\x03\x04 and no more", "docx"),
    "zip without the part": (packed(other="x"), "odt"),
    "another office format": (docx("<w:t>x</w:t>"), "xlsx"),
    "entities": (packed(**{"word/document.xml": XML_BOMB}), "docx"),
    "a part that is not XML": (packed(**{"content.xml": "no"}), "odt"),
    "a part that breaks off": (packed(**{"content.xml": "<a><p>One</p><p>Two"}), "odt"),
    "a number that is none": (odf('<table:table><table:table-cell table:number-columns-repeated="x"/></table:table>'), "ods"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_its_reader(name):
    with pytest.raises(Exception) as error:  # noqa: PT011
        words_of(*BROKEN[name])
    assert isinstance(error.value, Exception)
    assert not isinstance(error.value, ReadingTimeoutError)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", docx("<w:t>x</w:t>")),
        ("b.docx", sample_content.pdf("x")),
        ("c.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000)),  # as Word saves one with a password
        ("d.csv", docx("<w:t>x</w:t>")),
        ("e.txt", sample_content.pdf("x")),
    ],
)
def test_a_file_of_another_format_is_refused_with_what_to_do(name, content):
    file = ContentFile(content, name)
    with pytest.raises(ValidationError) as refusal:
        read_document(file, name)
    assert refusal.value.messages == [
        f"“{name}” could not be read: it is damaged, protected, or not of the format that its name says. Save it again "
        "without protection and upload that."
    ]
    assert file.tell() == 0


def test_so_many_letters_at_most(monkeypatch):
    for module in (text, office, office_words):
        monkeypatch.setattr(module, "MAX_LETTERS", 10)
    assert words_of(b"a" * 30, "txt") == "a" * 10
    assert words_of(docx("<w:t>One two</w:t>", "<w:t>three four</w:t>", "<w:t>five</w:t>"), "docx") == "One two\nth"


def test_a_zip_bomb_is_read_up_to_a_size(monkeypatch):
    monkeypatch.setattr(office, "CHUNK", 1_000)
    monkeypatch.setattr(office, "MAX_XML", 2_000)
    content = packed(**{"content.xml": "<a><p>Begin</p>" + "<b/>" * 500_000 + "<p>end</p></a>"})
    assert len(content) < 10_000
    assert words_of(content, "odt") == "Begin"


def test_so_many_pages_at_most(monkeypatch):
    content = sample_content.pdf("Words")
    monkeypatch.setattr(pdf, "MAX_DRAWING", 5)
    assert words_of(content, "pdf") == ""
    monkeypatch.setattr(pdf, "MAX_DRAWING", 5_000)
    monkeypatch.setattr(pdf, "MAX_PAGES", 0)
    assert words_of(content, "pdf") == ""
    monkeypatch.setattr(pdf, "MAX_PAGES", 1)
    assert words_of(content, "pdf") == "Words"


def test_when_the_time_is_up_what_was_read_is_kept(monkeypatch):
    sheets = []

    def sheet(*args):
        sheets.append(args)
        if len(sheets) == 3:
            raise ReadingTimeoutError
        return office_words.Sheet(*args)

    monkeypatch.setattr(office, "Sheet", sheet)
    rows = [f'<row><c t="str"><v>Word{number}</v></c></row>' for number in range(4)]
    assert words_of(xlsx(*rows), "xlsx") == "Word0 \nWord1".replace(" \n", "\n")
    assert len(sheets) == 3


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


def test_reading_all_again_goes_on_past_what_cannot_be_read(db, capsys):
    """Files that came before they were looked at, or got lost since: their words go, and somebody is told."""
    documents = [factories.document(title, b"words", "a.txt") for title in ("Lost", "Damaged", "Sound")]
    lost, damaged, sound = documents
    lost.file.storage.delete(lost.file.name)
    Document.objects.filter(pk=damaged.pk).update(
        file=damaged.file.storage.save("documents/b/b.docx", ContentFile(docx("<w:t>x</w:t>")[:-40]))
    )
    DocumentText.objects.update(text="of old")
    call_command("rebuild_search")
    assert {row.document_id: row.text for row in DocumentText.objects.all()} == {
        lost.pk: "",
        damaged.pk: "",
        sound.pk: "words",
    }
    told = capsys.readouterr()
    assert "The words of 3 documents" in told.out
    assert told.err.splitlines()[-2:] == [
        f"Document {lost.pk} Lost: Its file is missing.",
        f"Document {damaged.pk} Damaged: “b.docx” could not be read: it is damaged, protected, or not of the format that "
        "its name says. Save it again without protection and upload that.",
    ]
