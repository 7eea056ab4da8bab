"""Decides what is public at an instant, and records what became public and what changed for readers.

May import: pages.models and below.
"""
