"""Decides what the CMS answers at the path of a page, and what search engines are told.

May import: feeds.catalogue, pages.reading and below.
"""
