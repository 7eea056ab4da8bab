"""Decides which words of published pages and files the public search looks through.

May import: pages.models and below.
"""
