"""Decides who may approve and publish which version, and holds the rows while it happens.

May import: pages.confidential, pages.visibility, pages.models and below.
"""
