"""Generates content for demonstrations and benchmarks.

May import: pages.content.
"""
