"""Decides which entries a page makes, and writes them when the page is published.

May import: feeds.catalogue, feeds.event, feeds.websub and below, pages.reading.
"""
