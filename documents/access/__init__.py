"""Decides who may have, see, change or delete a file, as a reader or in the admin.

May import: documents.models, documents.inspection, pages.models, pages.visibility, pages.confidential, pages.content.
"""
