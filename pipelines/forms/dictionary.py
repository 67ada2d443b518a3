"""What the codes of facts mean, for those who read an archive without this program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.database import to_json
from pipelines.forms import prose
from pipelines.forms.model import forms

if TYPE_CHECKING:
    from collections.abc import Iterator


def entries() -> Iterator[dict[str, object]]:
    """Walk all indicators: codes, Chinese and English label, unit, the report years of the form, and who prescribed it."""
    for form in forms().values():
        first, last = form.years[0], form.years[1] if len(form.years) > 1 else None
        for table in form.tables:
            columns = {column.code: column for column in table.columns}
            for row in (row for row in table.rows if row.value):
                for column in map(columns.__getitem__, table.filled(row)):
                    yield {
                        "form": form.id, "table": table.id, "row": row.code, "column": column.code,
                        "label": _joined(row.label, column.group.replace("/", " "), column.label),
                        "english": _joined(row.english, column.english),
                        "unit": row.unit or column.unit or table.unit, "first_year": first, "last_year": last,
                        "source": form.basis,
                    }  # fmt: skip
    for indicator in prose.indicators():
        yield {
            "form": "prose", "table": "p", "row": indicator.code, "column": "n", "label": indicator.zh,
            "english": indicator.en, "unit": indicator.unit, "first_year": None, "last_year": None, "source": "sentences",
        }  # fmt: skip


def year_rules() -> Iterator[dict[str, object]]:
    """Walk the rules that bind a report to that of the year before."""
    for form in forms().values():
        for table in form.tables:
            for rule in (rule for rule in table.rules if rule.last):
                yield {
                    "form": form.id, "table": table.id, "rule": rule.id, "level": rule.level, "scope": rule.scope,
                    "left": to_json(rule.left), "right": to_json(rule.right), "last": to_json(rule.last),
                }  # fmt: skip


def _joined(*labels: str) -> str:
    return " / ".join(dict.fromkeys(filter(None, labels)))
