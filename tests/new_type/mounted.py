"""Mounts the list of the new page type: the line that docs/developing/page-type.md adds to the Query."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from django.conf import settings

NAME = "cms.graphql.schema.query"
PATH = Path(settings.BASE_DIR) / "cms/graphql/schema/query.py"
IMPORT = "from tests.new_type.models import VolunteerStoryPage\n"
LINE = '    volunteer_stories = page_list(VolunteerStoryPage, "Stories of volunteers, newest first.")\n'
BEFORE = "    death_reviews = page_list(\n"


def mount() -> None:
    """Takes the module with the line for the one without it. Call it after `django.setup()`, before anything else."""
    source = PATH.read_text()
    assert source.count(BEFORE) == 1
    spec = spec_from_file_location(NAME, PATH)
    module = module_from_spec(spec)
    sys.modules[NAME] = module
    exec(compile(IMPORT + source.replace(BEFORE, LINE + BEFORE), str(PATH), "exec"), module.__dict__)  # noqa: S102
