"""Decides what every HTTP answer may carry and how many a client gets: headers, rate limits, front page, health.

May import: pages, feeds, cms.database_fit.
"""
