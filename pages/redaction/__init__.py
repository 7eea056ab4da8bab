"""Decides how a text is taken out of everything that the CMS keeps.

May import: pages.editing, pages.visibility, pages.models and below.
"""
