"""Versions without noise: pages fetched again and again, of which some were edited and all have changed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

import pytest
from noise.trial import Fetch, Form, fetched, forms, once, sites, trial
from templates.pages import articles

from archive import volatile
from archive.records import Text, content_key
from crawler.demo.county import County
from pipelines.clean import clean

URL = "http://czj.example/xxgk/ndbg/1.html"
MOST_FALSE = 0.01


def keys(fetches: Iterable[Fetch]) -> Iterator[tuple[Fetch, str]]:
    """Clean a site's fetches, and name each content without the lines that proved volatile on the site."""
    read: dict[str, list[tuple[Fetch, Text]]] = {}
    for fetch in fetches:
        read.setdefault(fetch.page, []).append((fetch, clean(fetch.payload, url=URL)))
    taught = [
        [t.text for _, t in page] for page in read.values() if len({t.key for _, t in page}) >= volatile.LEAST_KEYS
    ]
    learned = volatile.learn(taught)
    for page in read.values():
        for fetch, text in page:
            said = volatile.without(text.text, learned)
            yield fetch, content_key(title=text.title, text=said, attachments=text.attachments)


def judged(fetches: Iterable[tuple[Fetch, str]]) -> Counter[str]:
    """Count fetches without an edit, edits, false versions and missed edits, by what had happened to the page."""
    count = Counter[str]()
    seen: dict[str, dict[str, bool]] = {}
    for fetch, key in fetches:
        known = seen.setdefault(fetch.page, {})
        is_edit = bool(known) and fetch.edited not in known.values()
        if known:
            count["edits" if is_edit else "others"] += 1
        if is_edit and key in known:
            count[f"missed: {fetch.page}: {fetch.event}"] += 1
        if known and not is_edit and key not in known:
            count[f"false: {fetch.page.partition('/')[0]}: {fetch.event}"] += 1
        known[key] = fetch.edited
    return count


def verdict(count: Counter[str], *, most: float, edits: int = 0) -> None:
    """No edit is missed, and few versions are false."""
    told = "\n".join(f"{n} {what}" for what, n in sorted(count.items()))
    assert not any(what.startswith("missed") for what in count), told
    assert count["edits"] >= edits, told
    assert sum(n for what, n in count.items() if what.startswith("false")) <= most * count["others"], told


@cache
def of_sites(numbers: Iterable[int], *, fetches: int, unseen: bool = False) -> Counter[str]:
    return sum((judged(keys(trial(n, fetches=fetches, unseen=unseen))) for n in numbers), Counter())


def differ(number: int, form: Form) -> bool:
    """Tell whether one kind of noise, alone, changes the key of a site's page."""
    content = once(list(articles())[number % len(articles())])
    pair = (fetched(sites()[number], content, [form], n=n, rng=random.Random(n)) for n in (1, 2))
    first, second = (clean(payload, url=URL).key for payload in pair)
    return first != second


@pytest.mark.parametrize("kind", forms())
def test_kind_of_noise(kind: str) -> None:
    """Each form of it alone makes no version, on a marked site, an unmarked one and one of tables."""
    numbers = [n for n, site in enumerate(sites()) if site.name in ("trs-editor", "unmarked", "layout-nested")]
    assert [(form, sites()[n].name) for form in forms()[kind] for n in numbers if differ(n, form)] == []


def test_some_sites() -> None:
    verdict(of_sites(range(2, len(sites()), 8), fetches=4), most=MOST_FALSE)


def test_words_no_rule_knows() -> None:
    """What only repetition tells is learned from it, and not a single edit with it."""
    verdict(of_sites(range(4, len(sites()), 24), fetches=6, unseen=True), most=MOST_FALSE)


@pytest.mark.soak
@pytest.mark.parametrize("unseen", [False, True])
def test_all_sites(unseen: bool) -> None:
    verdict(of_sites(range(len(sites())), fetches=12, unseen=unseen), most=MOST_FALSE, edits=200)


def test_demo_county() -> None:
    """The county's one edit is a version, and nothing else is, for all its counters, tokens and news of the day."""
    county = County.make()
    edited = {change["url"] for change in county.truth(day=2)["changed"]}
    standing = {report["url"] for day in (1, 2) for report in county.truth(day=day)["reports"]}
    changed = set()
    for url in sorted(standing)[::16] + sorted(edited):
        answers = [answer for day in (1, 2, 3) if (answer := county.answer(url, day=day)).status == 200]
        if len({clean(answer.body, url=url, headers=_lower(answer.headers)).key for answer in answers}) > 1:
            changed.add(url)
    assert changed == edited


def _lower(headers: Iterable[str]) -> dict[str, str]:
    return {name.lower(): headers[name] for name in headers}
