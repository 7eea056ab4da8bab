"""Decides how large and how expensive a GraphQL query may be, before anything is executed.

May import: cms.graphql.schema and the packages below it.
"""
