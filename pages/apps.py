from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "pages"
    verbose_name = "Pages"

    def ready(self) -> None:
        # Models are there only now.
        from pages import out_of_sight, outbox, redirects  # noqa: PLC0415

        out_of_sight.take_the_place_of_wagtails()
        outbox.connect()
        redirects.refuse_other_sites()
