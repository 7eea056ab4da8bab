"""Decides who may find death-review notices and their files in the admin, and logs who saw them.

May import: pages.models and below.
"""
