"""Decides whether an uploaded file can be read, and extracts its facts, in a process with resource limits.

May import: nothing of this project.
"""
