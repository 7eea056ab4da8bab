"""Decides the values and texts that models are made of: choices, rich text, references, addresses, working days.

May import: documents.models.
"""
