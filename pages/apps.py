from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "pages"
    verbose_name = "Pages"

    def ready(self) -> None:
        # Models are there only now.
        from pages import outbox, redirects  # noqa: PLC0415

        outbox.connect()
        redirects.refuse_other_sites()
