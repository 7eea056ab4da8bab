"""Decides how one GraphQL request loads what it needs: only what is public, for all objects of a list at once.

May import: cms.graphql.types, pages, documents.
"""
