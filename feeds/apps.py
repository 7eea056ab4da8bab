from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "feeds"
    verbose_name = "Feeds"

    def ready(self) -> None:
        # Models can only be imported now.
        from feeds import checks  # noqa: F401 - registers the checks
