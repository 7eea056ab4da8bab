"""Empty on purpose: an app without migrations cannot build on Wagtail's, and the command makes the tables."""
