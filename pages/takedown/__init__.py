"""Decides how pages and files are withdrawn or taken down, and where redirects may lead.

May import: pages.confidential, pages.visibility, pages.models and below.
"""
