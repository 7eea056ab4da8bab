"""Decides the public GraphQL contract: types, root fields, limits, and how a request is read and answered.

May import: pages, documents, feeds, cms.http, cms.publication.
"""
