"""How many files the server reads at once, and within which limits. What is in the files: tests/test_file_corpus.py."""

import resource
import sys

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile

from documents.inspection import own_process, reader
from documents.models import Document
from pages.demo import sample_content

pytestmark = pytest.mark.one_database


@pytest.fixture
def no_turn_is_free(monkeypatch):
    monkeypatch.setattr(own_process, "WAIT", 0)
    for _ in range(own_process.AT_ONCE):
        assert own_process._free_readers.acquire(blocking=False)
    yield
    for _ in range(own_process.AT_ONCE):
        own_process._free_readers.release()


def test_a_server_that_reads_enough_files_says_to_try_again(db, no_turn_is_free):
    plan = Document(title="Plan", file=ContentFile(sample_content.pdf("Busy plan"), "plan.pdf"))
    with pytest.raises(ValidationError) as refusal:
        plan.save()
    assert refusal.value.messages == [
        "“plan.pdf” was not read, because the server is reading other files. Try again in a minute."
    ]
    assert not Document.objects.exists()
    own_process._free_readers.release()
    plan.save()
    assert Document.objects.get().words.text == "Busy plan"
    assert own_process._free_readers.acquire(blocking=False)


def test_a_damaged_file_gives_its_turn_back(db):
    for number in range(own_process.AT_ONCE + 1):
        with pytest.raises(ValidationError, match="could not be read: it is damaged"):
            Document(title="x", file=ContentFile(b"%%PDF-1.7 %d" % number, "x.pdf")).save()


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_mac_has_no_limit_of_memory_and_reads_all_the_same(platform, monkeypatch):
    limited = []

    def limit(kind, limits):
        if kind == resource.RLIMIT_AS:
            raise ValueError("current limit exceeds maximum limit")
        limited.append(kind)

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(reader.resource, "setrlimit", limit)
    monkeypatch.setattr(reader.os, "nice", lambda more: None)
    monkeypatch.setattr(reader.signal, "signal", lambda number, handler: None)
    if platform == "linux":
        with pytest.raises(ValueError, match="current limit"):
            reader._limit_this_process()
    else:
        reader._limit_this_process()
        assert limited == [resource.RLIMIT_CPU, resource.RLIMIT_CORE, resource.RLIMIT_FSIZE]
