from django.apps import AppConfig


class CmsConfig(AppConfig):
    name = "cms"
    verbose_name = "CMS"

    def ready(self) -> None:
        from cms import publication  # noqa: PLC0415 - signals can be connected only once the models are there

        publication.connect()
