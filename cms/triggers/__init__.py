"""Decides which triggers the database has, and installs them after `migrate`.

May import: the models of all apps, pages.visibility and below.
"""
