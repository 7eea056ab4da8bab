"""Finds out whether a change of the schema breaks clients.

A deprecated part may be removed after the date in its deprecation reason: this is not a breaking change.
docs/graphql.md has the rules, and `manage.py print_schema` enforces them.
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

NOTICE_PERIOD = timedelta(days=183)
_REMOVAL_DATE = re.compile(r"Goes after (\d{4}-\d\d-\d\d)\.")


@dataclass(frozen=True)
class SchemaChanges:
    """Sentences about changes. Those in `dangerous` may surprise clients: a new enum value, for example."""

    breaking: list[str]
    dangerous: list[str]

    def summary(self) -> str:
        """A summary for the log and for error messages."""
        if not self.breaking and not self.dangerous:
            return "No client breaks."
        sentences = [f"Breaks clients: {text}" for text in self.breaking]
        return " ".join([*sentences, *(f"May surprise clients: {text}" for text in self.dangerous)])


def schema_changes(printed: str, text: str) -> SchemaChanges:
    """The changes from one printed schema to another."""
    old, new, today = build_schema(printed), build_schema(text), timezone.localdate()
    old_dates, new_dates = _removal_dates(old), _removal_dates(new)
    breaking = []
    for change in find_breaking_changes(old, new):
        removal_date = old_dates.get(change.description)
        if _is_redundant(change, old) or (removal_date and removal_date < today):
            continue
        promise = f" It was promised until {removal_date}." if removal_date else ""
        breaking.append(change.description + promise)
    for removal, removal_date in new_dates.items():
        promised = old_dates.get(removal)
        earliest = today + NOTICE_PERIOD
        if removal_date is None or (removal_date < earliest and not (promised and removal_date >= promised)):
            member = removal.replace(" was removed", "", 1).removesuffix(".")
            breaking.append(
                f"{member} is deprecated without six months' notice: end the reason with the day until which it stays, "
                f'as in "Goes after {earliest}."'
            )
    return SchemaChanges(breaking, [change.description for change in find_dangerous_changes(old, new)])


def _removal_dates(schema: GraphQLSchema) -> dict[str, date | None]:
    """The last day of each deprecated part, or None if its reason has no date.

    The keys are the sentences with which graphql-core describes the removal of the part.
    """
    reasons = {}
    for type_name, graphql_type in schema.type_map.items():
        is_enum = isinstance(graphql_type, GraphQLEnumType)
        for name, member in getattr(graphql_type, "values" if is_enum else "fields", {}).items():
            removal = (
                f"{name} was removed from enum type {type_name}." if is_enum else f"{type_name}.{name} was removed."
            )
            reasons[removal] = member.deprecation_reason
            for argument_name, argument in getattr(member, "args", {}).items():
                reasons[f"{type_name}.{name} arg {argument_name} was removed."] = argument.deprecation_reason
    return {removal: _removal_date(reason) for removal, reason in reasons.items() if reason is not None}


def _removal_date(reason: str) -> date | None:
    if match := _REMOVAL_DATE.search(reason):
        with suppress(ValueError):
            return date.fromisoformat(match[1])
    return None


def _is_redundant(change: BreakingChange, old: GraphQLSchema) -> bool:
    """Whether clients only reach the removed type through fields and arguments, whose changes are listed as well."""
    if change.type != BreakingChangeType.TYPE_REMOVED:
        return False
    removed = old.get_type(change.description.removesuffix(" was removed."))
    return not (isinstance(removed, GraphQLObjectType) and removed.interfaces)
