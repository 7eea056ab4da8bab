"""Serves the HTML pages of the CMS, and its sitemap and robots.txt.

May import: feeds.catalogue, pages.reading and below.
"""
