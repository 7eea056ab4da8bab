from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "pages"
    verbose_name = "Pages"

    def ready(self) -> None:
        # These modules import models, which are not loaded before `ready`.
        from pages.approval import row_locks
        from pages.confidential import hidden_objects, lists_and_counts
        from pages.editing import outbox, typed_dates, typed_rich_text
        from pages.takedown import redirects

        hidden_objects.replace_wagtail_parts()
        lists_and_counts.replace_wagtail_parts()
        row_locks.replace_wagtail_parts()
        typed_dates.install()
        typed_rich_text.install()
        outbox.connect()
        redirects.replace_wagtail_parts()
