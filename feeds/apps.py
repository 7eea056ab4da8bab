from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "feeds"
    verbose_name = "Feeds"

    def ready(self) -> None:
        # Page types are there only now.
        from feeds import checks  # noqa: F401 - registers itself
