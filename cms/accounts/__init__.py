"""Decides who can sign in, who needs a second factor, when sessions end, and what happens when a colleague leaves. Logs
changes of roles and permissions.

May import: pages.
"""
