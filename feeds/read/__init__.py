"""Decides which written entries and which meetings a feed or calendar holds at an instant.

May import: feeds.build and below, pages.reading.
"""
