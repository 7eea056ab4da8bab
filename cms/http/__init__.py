"""Decides the headers of every HTTP response and the rate limits, and has the front page, documentation and health
check.

May import: pages, feeds, cms.database_fit.
"""
