"""Data of an earlier version comes along: a site that the code of `FROM` made is upgraded by the code of today.

The code of then makes the same site each time. On SQLite it is kept in .artifacts, as the database of the tests is
(tests/migrated_database.py). `pytest --create-db` makes it again.

The code of then runs with the packages of today. Where a package no longer takes it, move `FROM` on to a commit that was
landed since, and say in the commit why older data needs two steps.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from tests.migrated_database import FOLDER, SQLiteTemplate

pytestmark = pytest.mark.each_database

FROM = "6aa81a4"
ROOT = Path(settings.BASE_DIR)
SCRIPT = ROOT / "tests/upgraded_site.py"
PICTURE = "picture "  # all sizes are drawn anew, without metadata: other bytes (documents/migrations/0002)


@pytest.fixture(scope="module")
def code_of_then(tmp_path_factory):
    """The files of the commit, from the history of this repository."""
    archive = subprocess.run(["git", "archive", FROM], cwd=ROOT, capture_output=True, check=False)  # noqa: S607
    if archive.returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"The history does not reach back to commit {FROM}.")
    folder = tmp_path_factory.mktemp("then")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An empty database of the kind that the tests use, and a folder for files."""
    folder = tmp_path_factory.mktemp("data")
    ours = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY", "CI")}
    ours |= {
        "DATA_DIR": str(folder),
        "CMS_URL": "http://localhost:8000",
        "SECRET_KEY": "made-for-this-upgrade-and-for-nothing-else-0123456789-abcdef",
        "DJANGO_SETTINGS_MODULE": "cms.settings",
        "EMAIL_URL": "dummy:",
        "GRAPHQL_TIME_BUDGET": "60",
        "GRAPHQL_RATE_LIMIT": "0",
        "RATE_LIMIT": "0",
    }
    default = settings.DATABASES["default"]
    if "postgresql" not in default["ENGINE"]:
        yield ours | {"DATABASE_URL": f"sqlite:///{folder}/cms.sqlite3"}
        return
    name, server = (
        f"upgrade_{os.getpid()}",
        f"{default['USER']}:{default['PASSWORD']}@{default['HOST']}:{default['PORT'] or 5432}",
    )
    with psycopg.connect(f"postgres://{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield ours | {"DATABASE_URL": f"postgres://{server}/{name}"}
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run(folder, what, environment, target):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), what, str(target)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(target.read_text())


@pytest.fixture(scope="module")
def before(code_of_then, environment, request):
    """What the site of then answers. It is in the database of the environment."""
    folder = Path(environment["DATA_DIR"])
    if not environment["DATABASE_URL"].startswith("sqlite"):
        return run(code_of_then, "made", environment, folder / "before.json")["answers"]
    makers = (SCRIPT, ROOT / "requirements.txt", ROOT / "tests/requirements.txt")
    kept = FOLDER / f"made-by-{FROM}-{sha256(b''.join(path.read_bytes() for path in makers)).hexdigest()[:16]}"
    if request.config.getoption("create_db") or not kept.exists():
        run(code_of_then, "made", environment, folder / "before.json")
        with SQLiteTemplate().locked():
            for old in FOLDER.glob("made-by-*"):
                shutil.rmtree(old)
            unfinished = FOLDER / f"unfinished-{os.getpid()}"
            shutil.copytree(folder, unfinished)
            unfinished.rename(kept)
    else:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
    return json.loads((folder / "before.json").read_text())["answers"]


def removed(answers):
    """The ids of the entries that only say that something was removed. Feeds of then left such entries out."""
    return [item["id"] for item in answers["feed /feeds/all.json"][1] if item["title"] == "No longer published"]


def comparable(key, answers):
    answer = answers.get(key)
    if key.startswith(PICTURE):
        return {status for status, _ in answer or ()} - {404}  # there were no sizes of what nobody may have
    if not key.startswith("feed "):
        return answer
    status, entries = answer
    told = [json.dumps(entry) for entry in entries]
    to_the_second = [re.sub(r"\.\d{6}\+", "+", entry) for entry in told]  # those of one publication differ since
    return status, sorted(entry for entry in to_the_second if not any(uuid in entry for uuid in removed(answers)))


def test_data_of_then_comes_along(before, environment, tmp_path):
    after = run(ROOT, "upgraded", environment, tmp_path / "after.json")
    assert after["proven"]["unfit"] is None
    assert after["proven"]["health"] == 200
    states = ("published", "edited", "draft", "submitted", "scheduled", "unpublished", "expiring")
    assert [before[f"page /news/news-{state}/"] for state in states] == [200, 200, 404, 404, 404, 410, 200]
    assert len(before) > 150
    assert 500 not in {answer for answer in after["answers"].values() if isinstance(answer, int)}
    assert (len(removed(before)), len(removed(after["answers"]))) == (0, 2)
    different = {key for key in before if comparable(key, before) != comparable(key, after["answers"])}
    assert {key: (comparable(key, before), comparable(key, after["answers"])) for key in different} == {}


def test_the_migrations_of_then_are_as_they_were(code_of_then):
    of_then = sorted(path.relative_to(code_of_then) for path in code_of_then.glob("*/migrations/[0-9]*.py"))
    assert of_then
    assert [str(name) for name in of_then if (ROOT / name).read_bytes() != (code_of_then / name).read_bytes()] == []
