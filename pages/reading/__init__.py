"""Loads what readers may see of pages, through one loader, and renders it as HTML.

May import: documents.access, pages.visibility, pages.models and below.
"""
