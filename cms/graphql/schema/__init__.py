"""Decides the root fields of the contract and what they return.

May import: cms.graphql.types, pages.reading, feeds.catalogue, cms.publication.
"""
