"""From a payload's bytes to a Text: the order of the steps, and the version that names their outcome."""

from __future__ import annotations

import itertools
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from archive.records import Figures, Text
from pipelines import containers, dates, documents, extract, fidelity, forms, grids, identify, links, polish, titles
from pipelines.decode import decode
from pipelines.particulars import particulars
from pipelines.prepare import meta, prepare, texts, tree, weigh
from pipelines.rules import rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.html import HtmlElement

    from pipelines.polish import Block

CLEANER = "4"

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "agency-unknown": "no agency is named in the title or by the page",
        "attachment-only": "the report is in a linked document, the page has next to no text",
        "brand-injected": "words stand in it that only a hijacked copy would put there",
        "bytes-damaged": "bytes of the text were lost in copying and cannot be put back",
        "bytes-lost": "some bytes could not be read in any encoding",
        "bytes-repaired": "bytes lost in copying were put back: probably not the office's own site",
        "commas-injected": "commas or signs stand where none belong: probably not the office's own site",
        "date-disagrees": "the date in the meta tags and the visible one differ; the earlier is believed",
        "date-unknown": "no publication date in meta tags or beside a visible label",
        "digits-glued": "dates or document numbers lost 年, 月 or 〕 between their digits",
        "document-truncated": "the end of the document is missing",
        "host-unofficial": "its host has neither gov nor edu in its name, so it may be a copy",
        "images-of-tables": "a report without a table in its text, but with pictures",
        "members-unread": "some files in an archive of documents could not be read",
        "no-article": "no article was found: better no text than a footer",
        "numbers-missing": "numbers or cells of the article were not found again: `missing` lists them",
        "pages-unread": "pages of the document are damaged, too large or too many, and were not read",
        "pinyin-left": "brackets with pinyin remain after repair",
        "pinyin-repaired": "pinyin glosses were taken out: probably not the office's own site",
        "question-marks": "question marks stand where signs were lost",
        "recognised": "the words were recognised in pictures: `legible` says how surely",
        "scanned": "pages of the document are pictures, which were not read",
        "script-body": "the text is in a script's data, which is not read",
        "short": "an article of under 200 characters",
        "tables-flattened": "only the words of the document could be read, its tables are not grids",
        "taiwan-wording": "the page is in Taiwan's words, which were not translated back",
        "text-layer": "the text is what a scanner recognised in its pictures",
        "title-guessed": "the title is the window's name",
        "traditional-converted": "the page is in Traditional characters and was converted",
        "unreadable": "the document could not be read: `charset_why` says why",
        "words-lost": "empty brackets: words or addresses were taken out",
        "year-unknown": "neither title nor text says which year the report is about",
    }
)

_SHORT = 200
_SURE = 0.5
_SHORTEST_TITLE, _LONGEST_TITLE = 5, 80
_DATA_SCRIPT = re.compile(r"_CONFIG\s*=\s*\{|\"content\"\s*:\s*\"(?:<|\\u003[cC])|DETAIL\s*:\s*\{")
_DOCUMENT = re.compile(r"(?:公告|公示|通知|通告|报告|办法|意见|方案|决定)(?:[（(]|$)")


def clean(payload: bytes, *, url: str, headers: Mapping[str, str] = MappingProxyType({})) -> Text:
    """Make the clean text of one page or document; `headers` are the answer's, with lower-case names.

    Never raises, whatever the bytes. Where no article is found the text is empty and flagged.
    """
    if document := documents.text_of(payload, url=url, cleaner=CLEANER):
        return document
    decoded = decode(payload, content_type=headers.get("content-type"))
    root = tree(decoded.text)
    _held = [*root.iter()]  # lxml makes an element anew whenever nobody holds it
    metas = meta(root)
    title, guessed = titles.title_of(root, metas)
    window = titles.window_of(root)
    prepare(root)
    weights = weigh(root)
    place = containers.locate(root, weights)
    visible = _visible(root, place)
    attached = links.attachments(place.element, weights, url=url)
    pictures = links.pictures(place.element, weights, url=url)
    before = fidelity.evidence(place.element)
    article = extract.read(place, weights, title=title)
    lost = fidelity.missing(before, [*article.blocks, title], dropped=article.dropped) if article.blocks else ()
    mended = polish.mended(article.blocks, title)
    title = mended.title
    widgets = polish.widget_lines(mended.blocks)
    pairs = [pair for n, pair in enumerate(zip(mended.blocks, article.blocks, strict=True)) if n not in widgets]
    if guessed:
        title, guessed = _title_in_text([block for block, _ in pairs], title, window)
    while repeated := titles.repeats(_opening([block for block, _ in pairs]), title):
        pairs = pairs[repeated:]
    lines = [line for block, _ in pairs for line in grids.as_lines(block)]
    served = lines if mended.blocks is article.blocks else [line for _, raw in pairs for line in grids.as_lines(raw)]
    text = "\n".join(lines)
    tables = tuple(block for block, _ in pairs if not isinstance(block, str))

    about = particulars(title=title, title_guessed=guessed, text=text, meta=metas, visible=visible, url=url)
    certainty = identify.certainty(title, text)
    short = len(text) < _SHORT
    pictures_of_tables = pictures if certainty >= _SURE and not tables else ()
    raised = {
        "agency-unknown": about.agency is None,
        "attachment-only": short and not tables and bool(attached),
        "brand-injected": any(rule.pattern.search(text) for rule in rules().brands),
        "bytes-lost": decoded.lost > 0,
        "date-disagrees": dates.disagree(about.dates),
        "date-unknown": about.published_on is None,
        "host-unofficial": links.is_unofficial(url),
        "images-of-tables": bool(pictures_of_tables),
        "no-article": not text,
        "numbers-missing": bool(lost),
        "script-body": short and _DATA_SCRIPT.search(decoded.text) is not None,
        "short": 0 < len(text) < _SHORT,
        "title-guessed": guessed,
        "year-unknown": about.report_year is None,
    }
    return Text(
        cleaner=CLEANER,
        title=title,
        agency=about.agency,
        report_year=about.report_year,
        published_on=about.published_on,
        dates=about.dates,
        index_number=about.index_number,
        document_number=about.document_number,
        origin=about.origin,
        read_from=about.read_from,
        is_report=certainty >= _SURE,
        confidence=round(certainty, 2),
        charset=decoded.charset,
        charset_why=decoded.why,
        script="hant" if "traditional-converted" in mended.flags else "hans",
        flags=tuple(sorted(mended.flags | {flag for flag, up in raised.items() if up})),
        repairs=mended.repairs,
        originals=tuple(
            (n, was) for n, (line, was) in enumerate(zip(lines, served, strict=True), start=1) if line != was
        ),
        missing=lost,
        text=text,
        grids=tables,
        attachments=(*attached, *pictures_of_tables),
        figures=forms.read(text=text, grids=tables, report_year=about.report_year) if certainty >= _SURE else Figures(),
    )


def _visible(root: HtmlElement, place: containers.Place) -> str:
    """Read what the page says around its article, one string a line; all it says where no CMS marks one."""
    page = "\n".join(texts(root))
    return page.replace("\n".join(texts(place.element)), "\n", 1) if place.marked else page


def _opening(blocks: list[Block]) -> list[str]:
    """List the lines a text opens with, up to its fourth or its first table."""
    lines = [block if isinstance(block, str) else None for block in blocks[:4]]
    return [line for line in itertools.takewhile(lambda line: line is not None, lines) if line]


def _title_in_text(blocks: list[Block], title: str, window: str) -> tuple[str, bool]:
    """Prefer an opening line to a guessed title: one that titles a report, or else one that the window names."""
    opening = _opening(blocks)
    for line in (*opening, *("".join(pair) for pair in itertools.pairwise(opening))):
        if len(line) <= _LONGEST_TITLE and not line.endswith("。") and identify.title_verdict(line) == "report":
            return line, False
    for line in opening[:2]:
        named = (line in window and line not in title) or (title in line if title else bool(_DOCUMENT.search(line)))
        if _SHORTEST_TITLE <= len(line) <= _LONGEST_TITLE and named and not line.endswith(("。", "：")):
            return line, False
    return title, True
