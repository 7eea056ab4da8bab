"""Collects the visible words from the XML of office documents. Each class is a parser target for one kind of part.

Names of elements and attributes are compared without their namespaces, because these formats have no conflicting names.
"""

from documents.inspection.text import MAX_LETTERS

# Elements that end a word, and elements whose text is not visible.
ENDS = {"p", "h", "br", "tab", "line-break", "s", "si", "is", "c", "table-cell", "tc"}
UNSEEN = {
    "annotation", "delText", "error-message", "f", "Fallback", "help-message", "instrText", "moveFrom", "notes",
    "rPh", "tracked-changes", "v",
}  # fmt: skip
NO = {"0", "false", "off"}


def local(tag: str) -> str:
    return tag.rpartition("}")[2]


def without_namespaces(attributes: dict[str, str]) -> dict[str, str]:
    return {local(name): value for name, value in attributes.items()}


class Words:
    """A parser target that collects the text of visible elements. Everything inside a hidden element is hidden."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.letters = 0
        self.path: list[str] = []  # the names of the open elements, the outermost first
        self.hidden_at = 0  # the depth of the outermost hidden element, or 0

    def hides(self, name: str, attributes: dict[str, str]) -> int:
        """How many levels above this open element hiding begins: 0 for the element itself, -1 for nothing hidden."""
        return 0 if name in UNSEEN else -1

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        self.path.append(name)
        if not self.hidden_at and (levels := self.hides(name, attributes)) >= 0:
            self.hidden_at = max(len(self.path) - levels, 1)

    def end(self, tag: str) -> None:
        if not self.hidden_at and self.path[-1] in ENDS:
            self.add("\n" if self.path[-1] in ("p", "h") else " ")
        elif self.hidden_at == len(self.path):
            self.hidden_at = 0
        self.path.pop()

    def data(self, words: str) -> None:
        if not self.hidden_at:
            self.add(words)

    def add(self, words: str) -> None:
        if self.letters <= MAX_LETTERS:
            self.words.append(words)
            self.letters += len(words)

    def close(self) -> str:
        return "".join(self.words)


# --- Word ---


class StylesOfWord(Words):
    """The styles of text that are hidden (w:vanish), directly or through the style that they are based on."""

    def __init__(self) -> None:
        super().__init__()
        self.style = ""
        self.based_on: dict[str, str] = {}
        self.vanish: dict[str, bool] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        super().start(tag, attributes)
        found = without_namespaces(attributes)
        match self.path[-1]:
            case "style":
                self.style = found.get("styleId", "")
            case "basedOn":
                self.based_on[self.style] = found.get("val", "")
            case "vanish" if self.path[-2:-1] == ["rPr"]:
                self.vanish[self.style] = found.get("val") not in NO

    def hidden(self) -> set[str]:
        return {style for style in {*self.vanish, *self.based_on} if self._is_hidden(style)}

    def _is_hidden(self, style: str) -> bool:
        for _ in range(20):  # a bound, because a damaged file can have a cycle of styles
            if style in self.vanish or style not in self.based_on:
                break
            style = self.based_on[style]
        return self.vanish.get(style, False)


class Written(Words):
    """A part of a Word document: the body, footnotes or endnotes."""

    def __init__(self, hidden_styles: set[str]) -> None:
        super().__init__()
        self.hidden_styles = hidden_styles

    def hides(self, name: str, attributes: dict[str, str]) -> int:
        if name in ("vanish", "rStyle", "pStyle", "hidden"):
            above = self.path[-3:-1]
            value = without_namespaces(attributes).get("val", "")
            own = name in ("vanish", "hidden") and value not in NO
            by_style = name in ("rStyle", "pStyle") and value in self.hidden_styles
            # Of a run, a paragraph or a table row. The mark at the end of a paragraph has a rPr as well.
            if (own or by_style) and above in (["r", "rPr"], ["p", "pPr"], ["tr", "trPr"]):
                return 2
        return super().hides(name, attributes)


# --- PowerPoint ---


class Drawn(Words):
    """A slide."""

    def hides(self, name: str, attributes: dict[str, str]) -> int:
        if name == "sld" and attributes.get("show", "1") in NO:
            return 0
        if name == "cNvPr" and attributes.get("hidden", "0") not in NO:
            return 2  # the shape or group
        return super().hides(name, attributes)


# --- Excel ---


class SharedStrings(Words):
    """The texts that cells of all sheets refer to by index."""

    def __init__(self) -> None:
        super().__init__()
        self.strings: list[str] = []

    def end(self, tag: str) -> None:
        is_string = self.path[-1] == "si"
        super().end(tag)
        if is_string:
            self.strings.append("".join(self.words))
            self.words, self.letters = [], 0


class Sheet(Words):
    """A sheet: the texts in its cells, without numbers."""

    def __init__(self, strings: list[str]) -> None:
        super().__init__()
        self.strings = strings
        self.hidden_columns: list[tuple[int, int]] = []
        self.column, self.kind, self.value = 0, "", ""

    def hides(self, name: str, attributes: dict[str, str]) -> int:
        if name == "col" and _is_collapsed(attributes, "width"):
            self.hidden_columns.append((int(attributes["min"]), int(attributes["max"])))
        elif name == "row":
            self.column = 0
            return 0 if _is_collapsed(attributes, "ht") else -1
        elif name == "c":
            self.column = _column(attributes.get("r", "")) or self.column + 1
            self.kind = attributes.get("t", "n")
            return 0 if any(first <= self.column <= last for first, last in self.hidden_columns) else -1
        return 0 if name in UNSEEN - {"v"} else -1

    def data(self, words: str) -> None:
        if self.hidden_at:
            return
        if self.path[-1] == "v":
            self.value += words
        elif "is" in self.path[-4:]:
            self.add(words)

    def end(self, tag: str) -> None:
        if self.path[-1] == "v" and not self.hidden_at:
            if self.kind == "s" and 0 <= int(self.value) < len(self.strings):
                self.add(self.strings[int(self.value)])
            elif self.kind == "str":
                self.add(self.value)
            self.value = ""
        super().end(tag)


def _is_collapsed(attributes: dict[str, str], size: str) -> bool:
    return attributes.get("hidden", "0") not in NO or float(attributes.get(size, 1)) == 0


def _column(cell: str) -> int:
    """The number of the column in a cell reference: 3 for "C7"."""
    number = 0
    for letter in cell:
        if "A" <= letter <= "Z":
            number = number * 26 + ord(letter) - ord("A") + 1
    return number


# --- OpenDocument ---

FAMILIES = {
    "a": "text", "h": "paragraph", "p": "paragraph", "page": "drawing-page", "section": "section", "span": "text",
    "table": "table",
}  # fmt: skip
HIDDEN_ROWS_AND_COLUMNS = ("collapse", "filter")


class OpenDocument(Words):
    """The content of an OpenDocument file, or its styles. Automatic styles precede the text that uses them."""

    def __init__(self, styles: "OpenDocument | None" = None) -> None:
        super().__init__()
        self.style = ("", "")
        self.parents: dict[tuple[str, str], str] = styles.parents if styles else {}
        self.hides_by_style: dict[tuple[str, str], bool] = styles.hides_by_style if styles else {}
        self.hidden_layers: set[str] = styles.hidden_layers if styles else set()
        self.tables: list[_Columns] = []  # the open tables, the outermost first

    def hides(self, name: str, attributes: dict[str, str]) -> int:
        found = without_namespaces(attributes)
        match name:
            case "style":
                self.style = (found.get("family", ""), found.get("name", ""))
                self.parents[self.style] = found.get("parent-style-name", "")
            case "text-properties" | "table-properties" | "drawing-page-properties" | "section-properties":
                if "display" in found or "visibility" in found:
                    self.hides_by_style[self.style] = _is_hidden(found) or found.get("visibility") == "hidden"
            case "layer" if _is_hidden(found):
                self.hidden_layers.add(found.get("name", ""))
            case _:
                in_hidden = self._in_hidden_row_or_column(name, found)
                if in_hidden or _is_hidden(found) or found.get("layer") in self.hidden_layers:
                    return 0
                if name in FAMILIES and self._style_hides((FAMILIES[name], found.get("style-name", ""))):
                    return 0
        return super().hides(name, attributes)

    def _in_hidden_row_or_column(self, name: str, found: dict[str, str]) -> bool:
        """Whether it is a hidden row or a cell in a hidden column. Counts the columns of the innermost table."""
        if name == "table":
            self.tables.append(_Columns(len(self.path)))
        elif name == "table-row":
            return found.get("visibility") in HIDDEN_ROWS_AND_COLUMNS
        elif name in ("table-column", "table-cell", "covered-table-cell") and self.tables:
            columns, number = self.tables[-1], int(found.get("number-columns-repeated", 1))
            if name != "table-column":
                return columns.hide_next(number)
            columns.add(number, found.get("visibility") in HIDDEN_ROWS_AND_COLUMNS)
        return False

    def _style_hides(self, style: tuple[str, str]) -> bool:
        for _ in range(20):
            if style in self.hides_by_style:
                return self.hides_by_style[style]
            style = (style[0], self.parents.get(style, ""))
        return False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if local(tag) == "table-row" and self.tables:
            self.tables[-1].next = 0
        super().start(tag, attributes)

    def end(self, tag: str) -> None:
        if self.tables and self.tables[-1].depth == len(self.path):
            self.tables.pop()
        super().end(tag)


def _is_hidden(found: dict[str, str]) -> bool:
    return found.get("display") in ("none", "false") or found.get("is-hidden") == "true"


class _Columns:
    """The columns of one table: which are hidden, and which one has the next cell."""

    def __init__(self, depth: int) -> None:
        self.depth, self.next, self.count = depth, 0, 0
        self.hidden: list[tuple[int, int]] = []

    def add(self, number: int, hidden: bool) -> None:
        if hidden:
            self.hidden.append((self.count, self.count + number))
        self.count += number

    def hide_next(self, number: int) -> bool:
        place, self.next = self.next, self.next + number
        return any(first <= place < end for first, end in self.hidden)
