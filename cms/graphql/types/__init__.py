"""Decides the public types: pages, files, connections, and the fields that are computed from other pages.

May import: pages, documents.
"""
