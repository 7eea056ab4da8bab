"""Decides how content is shown to readers in HTML and plain words.

May import: documents.access, pages.visibility, pages.models and below.
"""
