"""Removes a text from everything that the CMS stores.

May import: pages.editing, pages.visibility, pages.models and below.
"""
