"""Changes what Wagtail's admin does by itself: widgets, search, thread safety; and adds the report of unsent mail.

May import: pages.
"""
