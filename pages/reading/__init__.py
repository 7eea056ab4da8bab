"""Decides what readers may see of pages, through one loader, and how it is shown in HTML and plain words.

May import: documents.access, pages.visibility, pages.models and below.
"""
