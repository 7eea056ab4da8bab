"""Decides how entries and events are written in each format: RSS, Atom, JSON Feed, iCalendar, OPML.

May import: feeds.catalogue, feeds.entry, feeds.event.
"""
