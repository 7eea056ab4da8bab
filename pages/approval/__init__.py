"""Decides who may approve and publish which version, and locks the rows while it happens.

May import: pages.confidential, pages.visibility, pages.models and below.
"""
