"""Decides who may find death-review notices and their files in the admin, and logs who viewed them.

May import: pages.models and below.
"""
