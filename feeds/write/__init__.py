"""Serialises entries and events in each format: RSS, Atom, JSON Feed, iCalendar, OPML.

May import: feeds.catalogue, feeds.entry, feeds.event.
"""
