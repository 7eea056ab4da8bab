"""Decides whether an anonymous visitor can get content that must stay hidden (`manage.py check_leaks`).

May import: pages, documents, but no code that serves content, because it sends requests over HTTP.
"""
