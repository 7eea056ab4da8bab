from django.apps import AppConfig


class NewTypeConfig(AppConfig):
    name = "tests.new_type"
    label = "new_type"
    default_auto_field = "django.db.models.BigAutoField"
