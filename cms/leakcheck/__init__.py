"""Decides whether an anonymous visitor can get anything that must stay hidden (`manage.py check_leaks`).

May import: pages, documents, and no code that serves content: it asks over HTTP.
"""
