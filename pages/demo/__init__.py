"""Makes up the content of demonstrations and benchmarks.

May import: pages.content.
"""
