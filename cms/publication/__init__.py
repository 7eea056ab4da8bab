"""Decides what else changes, in the same transaction, when something becomes public or stops being public.

May import: pages, documents, feeds.
"""
