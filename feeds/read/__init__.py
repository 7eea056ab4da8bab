"""Decides which stored entries a feed has, and which meetings a calendar has, at an instant.

May import: feeds.build and below, pages.reading.
"""
