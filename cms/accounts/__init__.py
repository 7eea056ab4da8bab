"""Decides who signs in, with which second factor and role, when sessions end, and what happens when a colleague
leaves.

May import: pages.
"""
