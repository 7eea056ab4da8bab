"""Declares how a field of a model or block becomes part of the public GraphQL schema.

May import: pages.partial_dates, pages.content.
"""
