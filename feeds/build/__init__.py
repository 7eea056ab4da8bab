"""Decides which feed entries a page has, and writes them when the page is published.

May import: feeds.catalogue, feeds.event, feeds.websub and below, pages.reading.
"""
