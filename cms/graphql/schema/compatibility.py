"""What a change of the schema means for the clients that are out there.

Clients keep working after everything that is not "breaking". What was marked @deprecated in the printed schema may be
removed once the day has passed that the mark names: its clients were told. docs/graphql.md has the rules,
`manage.py print_schema` holds to them.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from graphql import (
    BreakingChange,
    BreakingChangeType,
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
)

NOTICE = timedelta(days=183)
_GOES = re.compile(r"Goes after (\d{4}-\d\d-\d\d)\.")


@dataclass(frozen=True)
class SchemaChanges:
    """Sentences about what is not as it was. `dangerous` is what a client may not expect, such as a new enum value."""

    breaking: list[str]
    dangerous: list[str]

    def told(self) -> str:
        if not self.breaking and not self.dangerous:
            return "No client breaks."
        parts = [f"Breaks clients: {text}" for text in self.breaking]
        return " ".join([*parts, *(f"May surprise clients: {text}" for text in self.dangerous)])


def schema_changes(printed: str, text: str) -> SchemaChanges:
    """What changes between two schemas, both as printed."""
    old, new, today = build_schema(printed), build_schema(text), timezone.localdate()
    before, now = _deprecated(old), _deprecated(new)
    breaking = []
    for change in find_breaking_changes(old, new):
        goes = before.get(change.description)
        if _is_told_by_others(change, old) or (goes and goes < today):
            continue
        breaking.append(f"{change.description} It was promised until {goes}." if goes else change.description)
    for removal, goes in now.items():
        promised = before.get(removal)
        if goes is None or (goes < today + NOTICE and not (promised and goes >= promised)):
            what = removal.replace(" was removed", "", 1).removesuffix(".")
            breaking.append(
                f"{what} is deprecated without six months' notice: end the reason with the day until which it stays, "
                f'as in "Goes after {today + NOTICE}."'
            )
    return SchemaChanges(breaking, [change.description for change in find_dangerous_changes(old, new)])


def _deprecated(schema: GraphQLSchema) -> dict[str, date | None]:
    """The day until which each deprecated part stays, by the sentence that graphql-core has for its removal."""
    found = {}
    for name, kind in schema.type_map.items():
        is_enum = isinstance(kind, GraphQLEnumType)
        for member, spec in getattr(kind, "values" if is_enum else "fields", {}).items():
            removal = f"{member} was removed from enum type {name}." if is_enum else f"{name}.{member} was removed."
            found[removal] = spec.deprecation_reason
            for argument, of_argument in getattr(spec, "args", {}).items():
                found[f"{name}.{member} arg {argument} was removed."] = of_argument.deprecation_reason
    return {removal: _goes_after(reason) for removal, reason in found.items() if reason is not None}


def _goes_after(reason: str) -> date | None:
    if day := _GOES.search(reason):
        with suppress(ValueError):
            return date.fromisoformat(day[1])
    return None


def _is_told_by_others(change: BreakingChange, old: GraphQLSchema) -> bool:
    """Whether a type went that clients only meet in fields and arguments, each of which is a change of its own."""
    if change.type != BreakingChangeType.TYPE_REMOVED:
        return False
    kind = old.get_type(change.description.removesuffix(" was removed."))
    return not (isinstance(kind, GraphQLObjectType) and kind.interfaces)
