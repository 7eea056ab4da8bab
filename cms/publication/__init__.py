"""Decides what happens, in the same transaction, when something becomes public or stops being public.

May import: pages, documents, feeds.
"""
