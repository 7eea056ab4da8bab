from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "pages"
    verbose_name = "Pages"

    def ready(self) -> None:
        # Wagtail's screens can be imported only once the models are there.
        from pages import out_of_sight, typed_dates  # noqa: PLC0415

        out_of_sight.install()
        typed_dates.install()
