"""Decides the public types: pages, files, connections, and the fields that are worked out from other pages.

May import: pages, documents.
"""
