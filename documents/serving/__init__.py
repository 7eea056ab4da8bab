"""Decides how the bytes of a file that somebody may have are sent.

May import: documents.access, pages.reading, pages.confidential.
"""
