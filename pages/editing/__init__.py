"""Decides what helps editors day by day: home screen, deadlines, reviews, reminders, mail, broken links, the fast
lane.

May import: pages.reading, documents.access, pages.confidential, pages.visibility, pages.models and below.
"""
