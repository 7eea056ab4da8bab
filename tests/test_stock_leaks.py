"""Each way in which the stock stack gives hidden content to visitors is found there by a probe, and closed here."""

import fcntl
import json
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path

import pytest
from django.db import transaction

from tests.stock.here import content, probes
from tests.stock.here.visitor import send
from tests.stock.leaks import LEAKS

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".artifacts/stock"


def digest():
    """Changes with everything that decides what the probes find: their code, and the packages that are installed."""
    found = sha256(sys.version.encode())
    files = (path for path in ROOT.glob("tests/stock/**/*.*") if path.suffix in (".py", ".html"))
    for path in sorted(path for path in files if "here" not in path.parts):
        found.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    for name, version in sorted((each.name, each.version) for each in distributions()):
        found.update(f"{name} {version}\n".encode())
    return found.hexdigest()[:16]


@pytest.fixture(scope="module")
def stock():
    """What the probes found on the stock stack. It runs in a process of its own: importing grapple's schema changes
    the GraphQL library for the whole process. Of several pytest workers one runs it and the others wait; what it found
    is kept in .artifacts until something that it depends on is another."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{digest()}.json").open("a+") as results:
        fcntl.flock(results, fcntl.LOCK_EX)
        results.seek(0)
        if found := results.read():
            return json.loads(found)
        command = [sys.executable, "-m", "django", "probe_leaks", "--settings", "tests.stock.settings"]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        results.write(run.stdout)
        return json.loads(run.stdout)


@pytest.fixture(scope="module")
def closed(django_db_setup, django_db_blocker):
    """The probes for this project, on content that is made once. What a test changes is rolled back with the test."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield probes.closed(content.make())
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_every_leak_has_both_probes(stock, closed):
    assert len(LEAKS) == len(set(LEAKS))
    assert sorted(stock["leaks"]) == sorted(LEAKS)
    assert sorted(closed) == sorted(LEAKS)


def test_the_probes_find_nothing_where_the_stock_stack_hides(stock):
    """The control: a probe that always found something would pass below."""
    assert stock["hides"] == {
        "draft page in a list": False,
        "scheduled page in a list": False,
        "password page in a list": False,
        "login page in a list": False,
        "private document in a list": False,
        "draft as HTML": False,
    }


@pytest.mark.parametrize("name", LEAKS)
def test_the_stock_stack_leaks(stock, name):
    assert stock["leaks"][name] is True


@pytest.mark.django_db
@pytest.mark.parametrize("name", LEAKS)
def test_it_is_closed_here(closed, name):
    """What is public shows in the same answer, so that the test can fail."""
    probe = closed[name]
    answer = probe.answer()
    assert [text for text in probe.shown if text not in answer] == [], answer
    assert [text for text in probe.hidden if text in answer] == [], answer
    for query, message in probe.refused.items():
        errors = json.loads(send(query))["errors"]
        assert [error["message"].split(" Did you mean")[0] for error in errors] == [message]
