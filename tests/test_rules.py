"""Every cleaning rule catches its own example and leaves alone the one it must keep."""

from __future__ import annotations

import pytest

from pipelines.containers import locate
from pipelines.extract import read
from pipelines.prepare import prepare, tree, weigh
from pipelines.rules import Brand, Container, Line, Widget, rules

RULES = rules()


def marked_class(source: str) -> bool:
    """Tell whether a snippet, put between a page's head and foot, is read as a marked article."""
    root = tree(f"<div><a href='/'>首页</a></div>{source}<div>某某办公室</div>")
    prepare(root)
    return locate(root, weigh(root)).marked


@pytest.mark.parametrize("rule", RULES.containers, ids=lambda rule: rule.name)
def test_container(rule: Container) -> None:
    assert marked_class(rule.catch)
    assert not marked_class(rule.keep)


@pytest.mark.parametrize("rule", RULES.widgets, ids=lambda rule: rule.name)
def test_widget(rule: Widget) -> None:
    assert article_with(rule.catch) == ["正文" * 50]
    assert len(article_with(rule.keep)) == 2


def article_with(snippet: str) -> list[object]:
    root = tree(f'<div class="TRS_Editor"><p>{"正文" * 50}</p>{snippet}</div>')
    prepare(root)
    weights = weigh(root)
    return list(read(locate(root, weights), weights).blocks)


@pytest.mark.parametrize("rule", RULES.lines, ids=lambda rule: rule.name)
def test_line(rule: Line) -> None:
    assert rule.pattern.fullmatch("".join(rule.catch.split()))
    assert not any(other.pattern.fullmatch("".join(rule.keep.split())) for other in RULES.lines)


@pytest.mark.parametrize("rule", RULES.brands, ids=lambda rule: rule.name)
def test_brand(rule: Brand) -> None:
    assert rule.pattern.search(rule.catch)
    assert not any(other.pattern.search(rule.keep) for other in RULES.brands)


def test_names_are_unique() -> None:
    for kind in (RULES.containers, RULES.widgets, RULES.lines, RULES.brands):
        names = [rule.name for rule in kind]
        assert len(names) == len(set(names))
