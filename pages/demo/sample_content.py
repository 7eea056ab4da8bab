"""Generates the text, images and files of the sample content of `manage.py load_sample`.

All randomness comes from the generator that is passed in, so a seed always gives the same content. No person, place or
figure is real, and every title says that it is a sample.
"""

import csv
import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from random import Random
from typing import Any

from PIL import Image, ImageDraw

from pages.content.choices import CalloutTone

LABEL = "Sample: "
TOPICS = [
    "Antisocial behaviour",
    "Cycle crime",
    "Domestic abuse",
    "Hate crime",
    "Night-time economy",
    "Retail crime",
]
# Building, room, address, postcode (ZZ99 is not a real area), then step-free, hearing loop and accessible toilet.
VENUES = [
    ("North Hall", "Room 1", "1 Example Street, Sampleton", "ZZ99 1AA", "yes", "yes", "yes"),
    ("Old Library", "Reading room", "2 Example Street, Sampleton", "ZZ99 2AA", "no", "yes", "unknown"),
    ("Riverside Centre", "", "3 Example Street, Sampleton", "ZZ99 3AA", "yes", "no", "yes"),
    (
        "Town House",
        "Committee room",
        "4 Example Street, Sampleton",
        "ZZ99 4AA",
        "unknown",
        "unknown",
        "unknown",
    ),
]
PRIORITIES = ["Safer streets in the evening", "Fewer thefts from shops"]
PICTURES = ["Blue shapes", "Green shapes", "Orange shapes", "Purple shapes", "Red shapes"]
COLOURS = [(29, 112, 184), (0, 112, 60), (244, 119, 56), (76, 44, 146), (212, 53, 28)]
PDFS = ["Agenda", "Report", "Minutes"]

WHO = [
    "Residents",
    "Shop staff",
    "Street wardens",
    "Youth workers",
    "Students",
    "Volunteers",
    "Local officers",
]
DID = [
    "asked for",
    "looked at",
    "talked about",
    "tried out",
    "reported on",
    "helped to plan",
    "wrote to us about",
]
WHAT = [
    "brighter lighting",
    "cycle parking",
    "drop-in sessions",
    "evening patrols",
    "property marking",
    "quieter evenings",
    "safety walks",
    "signs in shop windows",
    "training for venue staff",
    "underpass repairs",
]
WHERE = [
    "at the bus station",
    "by the river",
    "in Eastfield",
    "in the market place",
    "near the north gate",
    "on Mill Lane",
    "on the recreation ground",
    "outside the theatre",
]
WHEN = [
    "in spring",
    "over the summer",
    "in the autumn",
    "during the winter",
    "this week",
    "last month",
    "at weekends",
]
SO = [
    "Nobody has set a date yet.",
    "The next meeting comes back to it.",
    "A short report follows.",
    "More people took part than a year before.",
    "It costs less than expected.",
    "The results are not known yet.",
]
NEWS_ABOUT = [
    "An update on",
    "Have your say on",
    "Next steps for",
    "Questions about",
    "Results of",
    "What we heard about",
]
MEETING_OF = ["Partnership meeting", "Public meeting", "Working group meeting", "Planning meeting"]
AGENDA = [
    "Welcome",
    "Minutes of the last meeting",
    "Report on {}",
    "Plans for {}",
    "Money for {}",
    "Any other business",
]


def random_for(seed: int, kind: str, number: int) -> Random:
    """A generator for one page, so that its content does not depend on the number of other pages."""
    return Random(f"{seed}:{kind}:{number}")  # noqa: S311 - repeatable on purpose, not for security


def random_uuid(rng: Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)


def sentence(rng: Random) -> str:
    return f"{rng.choice(WHO)} {rng.choice(DID)} {rng.choice(WHAT)} {rng.choice(WHERE)} {rng.choice(WHEN)}."


def sentences(rng: Random, least: int, most: int) -> str:
    parts = [sentence(rng) for _ in range(rng.randint(least, most))]
    return " ".join([*parts, rng.choice(SO)])


def news_headline(rng: Random) -> str:
    return f"{rng.choice(NEWS_ABOUT)} {rng.choice(WHAT)} {rng.choice(WHERE)}"


def summary(rng: Random) -> str:
    """A summary of at most 160 characters."""
    return f"{LABEL}{sentence(rng)}"[:160]


def agenda_title(rng: Random, position: int, items: int) -> str:
    """The title of the agenda item at a position: agendas begin and end with the usual items."""
    if position < 2:
        return AGENDA[position]
    return AGENDA[-1] if position == items - 1 else rng.choice(AGENDA[2:-1]).format(rng.choice(WHAT))


@dataclass(frozen=True)
class Targets:
    """Primary keys of the pages, documents and images that a body can refer to."""

    pages: Sequence[int]
    documents: Sequence[int]
    images: Sequence[int]


def _paragraph(rng: Random, targets: Targets) -> str:
    """Rich text as Wagtail stores it, sometimes with a list or a link to a page or document."""
    html = f"<p>{sentences(rng, 2, 5)}</p>"
    if rng.random() < 0.4:
        link = f'<a linktype="page" id="{rng.choice(targets.pages)}">{rng.choice(WHAT)}</a>'
        html += f"<p>Read more about {link}, or <b>come and talk to us</b> {rng.choice(WHERE)}.</p>"
    if rng.random() < 0.3:
        link = f'<a linktype="document" id="{rng.choice(targets.documents)}">the whole report</a>'
        html += f"<p>There is more in {link}.</p>"
    if rng.random() < 0.3:
        html += f"<ul>{''.join(f'<li>{escape(what)}</li>' for what in rng.sample(WHAT, 3))}</ul>"
    return html


def _table(rng: Random) -> dict[str, Any]:
    """A table as Wagtail's TableBlock stores it."""
    rows = [[what, str(rng.randint(2, 90)), str(rng.randint(2, 90))] for what in rng.sample(WHAT, 4)]
    return {
        "data": [["Subject", "This year", "Last year"], *rows],
        "cell": [],
        "mergeCells": [],
        "first_row_is_table_header": True,
        "first_col_is_header": False,
        "table_header_choice": "row",
        "table_caption": "How often each subject came up (made-up figures)",
    }


def _extra_block(kind: str, rng: Random, targets: Targets) -> Any:
    if kind == "image":
        return {"image": rng.choice(targets.images), "caption": rng.choice(["", "A made-up picture"])}
    if kind == "document":
        return rng.choice(targets.documents)
    if kind == "page_link":
        return {"page": rng.choice(targets.pages), "text": rng.choice(["", f"More on {rng.choice(WHAT)}"])}
    if kind == "table":
        return _table(rng)
    return {"tone": rng.choice(CalloutTone.values), "rich_text": f"<p>{sentences(rng, 1, 2)}</p>"}


def body(rng: Random, targets: Targets, every_type: bool) -> list[dict[str, Any]]:
    """The stored blocks of a page: some sections of text with other blocks among them."""
    blocks: list[tuple[str, Any]] = [("paragraph", _paragraph(rng, targets))]
    for _ in range(rng.randint(1, 3)):
        heading = f"{rng.choice(WHAT).capitalize()} {rng.choice(WHERE)}"
        blocks += [("heading", {"text": heading, "level": "2"}), ("paragraph", _paragraph(rng, targets))]
    for kind in ("image", "document", "page_link", "table", "callout"):
        if rng.random() < 0.35 or every_type:
            blocks.insert(rng.randint(1, len(blocks)), (kind, _extra_block(kind, rng, targets)))
    return [{"type": kind, "value": value, "id": str(random_uuid(rng))} for kind, value in blocks]


def png(number: int) -> bytes:
    """An image of 1600 by 900 pixels with a few shapes in one of the colours; a small file."""
    colour = COLOURS[number % len(COLOURS)]
    picture = Image.new("RGB", (1600, 900), colour)
    draw = ImageDraw.Draw(picture)
    for step in range(6):
        lighter = tuple(min(255, part + 20 * (step + 1)) for part in colour)
        draw.ellipse((120 + 220 * step, 120 + 90 * (step % 3), 520 + 220 * step, 520 + 90 * (step % 3)), fill=lighter)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def pdf(title: str) -> bytes:
    """A PDF with one page that contains its title. It is tagged and declares its language, for screen readers."""
    content = f"/P <</MCID 0>> BDC BT /F1 24 Tf 72 760 Td ({title}) Tj ET EMC".encode("ascii")
    objects = [
        b"<</Type /Catalog /Pages 2 0 R /Lang (en-GB) /MarkInfo <</Marked true>> /StructTreeRoot 6 0 R"
        b" /ViewerPreferences <</DisplayDocTitle true>>>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /StructParents 0"
        b" /Resources <</Font <</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(content), content),
        b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>",
        b"<</Type /StructTreeRoot /K 7 0 R /ParentTree 8 0 R>>",
        b"<</Type /StructElem /S /P /P 6 0 R /Pg 3 0 R /K 0>>",
        b"<</Nums [0 [7 0 R]]>>",
        b"<</Title (%s)>>" % title.encode("ascii"),
    ]
    file = io.BytesIO(b"%PDF-1.7\n")
    file.seek(0, io.SEEK_END)
    offsets = []
    for number, entry in enumerate(objects, 1):
        offsets.append(file.tell())
        file.write(b"%d 0 obj\n%s\nendobj\n" % (number, entry))
    start = file.tell()
    file.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    file.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    file.write(b"trailer\n<</Size %d /Root 1 0 R /Info 9 0 R>>\n" % (len(objects) + 1))
    file.write(b"startxref\n%d\n%%%%EOF\n" % start)
    return file.getvalue()


def csv_file() -> bytes:
    """A data file of two columns."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["subject", "reports"])
    writer.writerows((what, 10 * number) for number, what in enumerate(WHAT, 1))
    return file.getvalue().encode()


def text_file() -> bytes:
    return b"This is a sample file. Nothing in it is real.\n"
