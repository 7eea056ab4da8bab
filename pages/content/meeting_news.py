"""Says in sentences what happened to a meeting: its changes, and the papers that were published after its announcement.

All channels use these sentences: feeds, the page of the meeting, and the screen on which a version is approved.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from pages.content.choices import AttendanceMode, MeetingStatus, PaperKind


class Change(Protocol):
    """A changed field with its values as text, as in `MeetingChange`."""

    @property
    def at(self) -> datetime: ...
    @property
    def field(self) -> str: ...
    @property
    def before(self) -> str: ...
    @property
    def after(self) -> str: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True)
class KnownFacts:
    """What readers knew of a meeting at some time, in the words of the change log. Empty for what they did not know."""

    starts: str = ""
    ends: str = ""
    venue: str = ""
    attendance: str = ""
    status: str = ""

    @property
    def when_and_where(self) -> str:
        """As in "Tuesday 24 March 2026, 10am, Guildhall, Cambridge, CB1 1JF and online"."""
        places = [self.venue] if self.venue and self.attendance != AttendanceMode.ONLINE.label else []
        if self.attendance in (AttendanceMode.ONLINE.label, AttendanceMode.HYBRID.label):
            places.append("online")
        return ", ".join(part for part in (self.starts, " and ".join(places)) if part)


@dataclass(frozen=True)
class ToldChange:
    """What one publication changed. `verb` is as in "Meeting moved: …", or empty if the change is not news."""

    at: datetime
    verb: str
    text: str


_OFF = (MeetingStatus.CANCELLED.label, MeetingStatus.POSTPONED.label)
_WORDS = {
    "starts": "It starts on {}.",
    "ends": "It ends on {}.",
    "venue": "It is held at {}.",
    "attendance": "How to attend: {}.",
    "status": "It is {} now.",
    "agenda": "The agenda of {} was replaced.",
}
_NOT_KNOWN = {"ends": "No end time is announced any more.", "venue": "No place is announced any more."}


def changes_told(rows: Iterable[Change], now: KnownFacts) -> list[ToldChange]:
    """The changes of a meeting in sentences, the oldest first. `now` is what readers know after all of them.

    Each sentence has the date, the time and the place as readers knew them then, although the log of a change has only
    the fields that it changed: those before a change are found by undoing the later ones.
    """
    by_time: dict[datetime, list[Change]] = {}
    for row in rows:
        by_time.setdefault(row.at, []).append(row)
    told = []
    for at in sorted(by_time, reverse=True):
        group = by_time[at]
        facts = [row for row in group if row.field in KnownFacts.__dataclass_fields__]
        after = replace(now, **{row.field: row.after for row in facts})
        before = now = replace(after, **{row.field: row.before for row in facts})
        verb = _verb({row.field for row in facts}, before, after)
        reason = next((row.reason for row in group if row.reason), "")
        told.append(ToldChange(at, verb, _sentence(group, verb, before, after, reason)))
    return told[::-1]


def _verb(fields: set[str], before: KnownFacts, after: KnownFacts) -> str:
    """What happened to the meeting; empty for changes that are not news."""
    online = AttendanceMode.ONLINE.label
    if "status" in fields and after.status in _OFF:
        return after.status.lower()
    if (
        fields & {"starts", "venue"}
        or ("attendance" in fields and online in (before.attendance, after.attendance))
        or ("status" in fields and after.status == MeetingStatus.RESCHEDULED.label)
    ):
        return "moved"
    # Not news once the meeting was held.
    is_on_again = "status" in fields and before.status in _OFF and after.status != MeetingStatus.HELD.label
    return "goes ahead" if is_on_again else ""


def _sentence(group: Sequence[Change], verb: str, before: KnownFacts, after: KnownFacts, reason: str) -> str:
    then, now = before.when_and_where, after.when_and_where
    if verb in ("cancelled", "postponed"):
        text = f"The meeting planned for {then} has been {verb}"
    elif verb == "goes ahead":
        text = f"The meeting on {now} goes ahead after all"
    elif verb and then != now:
        text = f"The meeting planned for {then} has been moved to {now}"
    elif verb:
        text = f"The meeting on {now} has been rescheduled"
    else:
        text = " ".join(map(_change_in_words, group)).removesuffix(".")
    return f"{text}: {reason}" if reason else f"{text}."


def _change_in_words(row: Change) -> str:
    if row.field == "agenda":
        return _WORDS["agenda"].format(row.before)
    if not row.after:
        return _NOT_KNOWN.get(row.field, f"{row.field.capitalize()}: none.")
    return _WORDS[row.field].format(row.after.lower() if row.field == "status" else row.after)


# --- Papers ---


class NewPaper(Protocol):
    """A public paper, as in `PublicPaper` (pages/reading/page_html.py)."""

    @property
    def kind(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def late_reason(self) -> str: ...


def papers_title(papers: Sequence[NewPaper]) -> str:
    """As in "Agenda published", "Late supplement published" or "2 papers published"."""
    kinds = {paper.kind for paper in papers}
    noun = PaperKind(kinds.pop()).label if len(kinds) == 1 else "Paper"
    if all(paper.late_reason for paper in papers):
        noun = f"Late {noun.lower()}"
    if len(papers) == 1:
        return f"{noun} published"
    return f"{len(papers)} {noun.lower()}s published"


def papers_summary(papers: Iterable[NewPaper], facts: str) -> str:
    """Which papers are new, why they are late, and which meeting it is: `facts` is its date and place."""
    return " ".join([*(f"“{paper.title}”{_lateness(paper)}." for paper in papers), facts]).strip()


def reasons(papers: Iterable[NewPaper]) -> str:
    """Why papers are late, as in "It is late: The officer was ill."; each reason once."""
    texts = dict.fromkeys(_sentence_end(paper.late_reason) for paper in papers if paper.late_reason)
    return " ".join(f"It is late: {text}" for text in texts)


def _lateness(paper: NewPaper) -> str:
    return f" is late: {paper.late_reason.rstrip('. ')}" if paper.late_reason else " is new"


def _sentence_end(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
