from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "pages"
    verbose_name = "Pages"

    def ready(self) -> None:
        from pages.out_of_sight import take_the_place_of_wagtails  # noqa: PLC0415 - needs the models

        take_the_place_of_wagtails()
