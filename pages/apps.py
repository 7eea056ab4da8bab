from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "pages"
    verbose_name = "Pages"

    def ready(self) -> None:
        # Models, and with them Wagtail's screens, are there only now.
        from pages.approval import taking_turns
        from pages.confidential import (
            lists_and_counts,
            out_of_sight,
        )
        from pages.editing import outbox, typed_dates, typed_rich_text
        from pages.takedown import redirects

        out_of_sight.take_the_place_of_wagtails()
        lists_and_counts.take_the_place_of_wagtails()
        taking_turns.take_the_place_of_wagtails()
        typed_dates.install()
        typed_rich_text.install()
        outbox.connect()
        redirects.refuse_other_sites()
