"""Decides which answers to readers are kept in memory, and for how long they hold.

May import: cms.http, cms.triggers and below.
"""
