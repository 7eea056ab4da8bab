from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "pages"
    verbose_name = "Pages"

    def ready(self) -> None:
        # Models, and with them Wagtail's screens, are there only now.
        from pages import (  # noqa: PLC0415
            lists_and_counts,
            out_of_sight,
            outbox,
            redirects,
            taking_turns,
            typed_dates,
            typed_rich_text,
        )

        out_of_sight.take_the_place_of_wagtails()
        lists_and_counts.take_the_place_of_wagtails()
        taking_turns.take_the_place_of_wagtails()
        typed_dates.install()
        typed_rich_text.install()
        outbox.connect()
        redirects.refuse_other_sites()
