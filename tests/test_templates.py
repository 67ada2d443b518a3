"""Cleaning, held to pages whose truth is known: every template of tests/templates with five reports of five times."""

from __future__ import annotations

import functools
from collections import Counter

import pytest
from templates.pages import Page, Template, crossed, pages, templates
from templates.scores import leaks, of_ours

from archive.records import Text
from pipelines.clean import clean

MOST_LEAKS = 0.05
LEAST = 0.99

pytestmark = pytest.mark.xdist_group("templates")  # one worker cleans every page, once


def read(template: Template) -> list[tuple[Page, Text]]:
    return [(page, clean(page.payload, url="http://czj.example/xxgk/ndbg/1.html")) for page in pages(template)]


cleaned = functools.cache(read)


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)
def test_template(template: Template) -> None:
    """Every score is 1, but for those the template says are knowingly lost; and these still are."""
    scores = {page.name: of_ours(page, text) for page, text in cleaned(template)}
    lost = {page: {name: share for name, share in score.items() if share < 1} for page, score in scores.items()}
    assert {name for shares in lost.values() for name in shares} == set(template.known), lost


def test_hardly_anything_leaks() -> None:
    """Few strings of the frame, and few sentences said twice, over all pages."""
    every = [both for template in templates() for both in cleaned(template)]
    leaked = {page.name: leaks(page, text.text) for page, text in every}
    told = "\n".join(f"{name}: {' / '.join(found)}" for name, found in leaked.items() if found)
    assert sum(map(len, leaked.values())) <= MOST_LEAKS * len(every), told


@pytest.mark.soak
def test_every_body_in_every_site() -> None:
    """Hardly anything is lost, whatever meets whatever: each score, on average over some 14 000 pages."""
    sums, count = Counter[str](), 0
    for template in crossed():
        for page, text in read(template):
            sums.update({name: name in template.known or share for name, share in of_ours(page, text).items()})
            count += 1
    assert min(sums.values()) >= LEAST * count, {name: total / count for name, total in sums.items()}
