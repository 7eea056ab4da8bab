"""Serves files to those who may read them, and decides how their bytes are sent.

May import: documents.access, pages.reading, pages.confidential.
"""
