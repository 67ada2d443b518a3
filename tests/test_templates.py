"""Cleaning, held to pages whose truth is known: every template of tests/templates with five reports of five times."""

from __future__ import annotations

import functools

import pytest
from templates.pages import Page, Template, pages, templates
from templates.scores import leaks, of_ours

from archive.records import Text
from pipelines.clean import clean

MOST_LEAKS = 0.05

pytestmark = pytest.mark.xdist_group("templates")  # one worker cleans every page, once


@functools.cache
def cleaned(template: Template) -> list[tuple[Page, Text]]:
    return [(page, clean(page.payload, url="http://czj.example/xxgk/ndbg/1.html")) for page in pages(template)]


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)
def test_template(template: Template) -> None:
    """Every score is 1, but for those the template says are knowingly lost; and these still are."""
    scores = {page.name: of_ours(page, text) for page, text in cleaned(template)}
    lost = {page: {name: share for name, share in score.items() if share < 1} for page, score in scores.items()}
    assert {name for shares in lost.values() for name in shares} == set(template.known), lost


def test_hardly_anything_leaks() -> None:
    """Strings of the frame, and sentences said twice, over all pages."""
    leaked = {
        page.name: found for one in templates() for page, text in cleaned(one) if (found := leaks(page, text.text))
    }
    every = sum(len(cleaned(one)) for one in templates())
    assert sum(map(len, leaked.values())) <= MOST_LEAKS * every, leaked
