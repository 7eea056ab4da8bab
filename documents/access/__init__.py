"""Decides who may read a file, and who may see, change or delete it in the admin.

May import: documents.models, documents.inspection, pages.models, pages.visibility, pages.confidential, pages.content.
"""
