"""Writes the search index: which words of published pages and files the public search finds.

May import: pages.models and below.
"""
