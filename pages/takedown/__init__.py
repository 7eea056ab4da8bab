"""Decides how pages and files are withdrawn or taken down, and where old addresses lead.

May import: pages.confidential, pages.visibility, pages.models and below.
"""
