"""Provides the daily work of editors: home screen, deadlines, reviews, reminders, mail, broken links, fast lane.

May import: pages.reading, documents.access, pages.confidential, pages.visibility, pages.models and below.
"""
