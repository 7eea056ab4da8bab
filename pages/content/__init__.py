"""Defines the values and texts that models consist of: choices, rich text, references, addresses, working days.

May import: documents.models.
"""
