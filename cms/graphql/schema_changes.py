"""What a change of the schema means for the clients that are out there.

Clients keep working after everything that is not "breaking". What was marked @deprecated in the printed schema may be
removed: its clients were told. docs/graphql.md has the rules, `manage.py print_schema` holds to them.
"""

import re
from dataclasses import dataclass

from graphql import (
    BreakingChange,
    BreakingChangeType,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
)


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
    old, new = build_schema(printed), build_schema(text)
    breaking = [change.description for change in find_breaking_changes(old, new) if not _was_announced(change, old)]
    return SchemaChanges(breaking, [change.description for change in find_dangerous_changes(old, new)])


def _was_announced(change: BreakingChange, old: GraphQLSchema) -> bool:
    """Whether what was removed was deprecated before. graphql-core names it only in its sentence."""
    if change.type == BreakingChangeType.FIELD_REMOVED and (
        found := re.fullmatch(r"(\w+)\.(\w+) was removed\.", change.description)
    ):
        of_type = old.get_type(found[1])
        fields = of_type.fields if isinstance(of_type, GraphQLObjectType | GraphQLInterfaceType) else {}
        return found[2] in fields and fields[found[2]].deprecation_reason is not None
    if change.type == BreakingChangeType.VALUE_REMOVED_FROM_ENUM and (
        found := re.fullmatch(r"(\w+) was removed from enum type (\w+)\.", change.description)
    ):
        enum = old.get_type(found[2])
        values = enum.values if isinstance(enum, GraphQLEnumType) else {}
        return found[1] in values and values[found[1]].deprecation_reason is not None
    return False
