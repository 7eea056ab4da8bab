"""Decides the root fields of the contract and what they return.

May import: cms.graphql.loader, cms.graphql.types, feeds.catalogue, cms.publication.
"""
