"""Decides whether an uploaded file can be read, and what it says, in a process with limits of its own.

May import: nothing of this project.
"""
