"""Decides how a field of a model or block becomes part of the public GraphQL contract.

May import: pages.blocks, pages.partial_dates, pages.content.
"""
