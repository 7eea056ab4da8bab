"""Decides where Wagtail's admin works differently from its release: widgets, search, the mail report, shared state.

May import: pages.
"""
