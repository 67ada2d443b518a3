"""Is this link a report, a column of reports, or neither? By its words and its address alone."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from crawler.page import Link
from pipelines.identify import title_verdict

Kind = Literal["report", "doubt", "column", "towards", "other"]

COLUMN = re.compile(r"公开(工作)?(年度报告|年报)|^(工作)?(年度报告|年报)$")
TOWARDS = re.compile(r"信息公开|政务公开")
YEAR = re.compile(r"[0-9０-９〇零一二三四五六七八九]{4}")
SLUG = re.compile(r"/(?:\w*gk(?:gz)?(?:nb|ndbg)\w*|\w*ndbg\w*|ndxxgkbg|nb)(?=/|$)", re.IGNORECASE)
ARTICLE = re.compile(
    r"/t\d{6,8}_\d+\.|/art_\w+\.|/content/|/post_\d+|/info/\d+/\d+\.|/[0-9a-f]{32}\.|/\d{6,}\.\w+$", re.IGNORECASE
)


def judge(link: Link) -> Kind:
    """Judge a link.

    report: surely one. doubt: look at the page. column: a list of reports. towards: a page from which one is
    reached (政府信息公开, 政务公开). An address with a column's slug counts only where the link has no words of its own
    against it: links that are an image have none.
    """
    is_article = ARTICLE.search(link.url) is not None
    verdict = title_verdict(link.title) if link.title else "other"
    if verdict == "report" and (is_article or YEAR.search(link.title)):
        return "report"
    if not is_article and (COLUMN.search(link.title) or is_column_address(link.url)):
        return "column"
    if verdict in ("report", "doubt"):
        return "doubt"
    return "towards" if TOWARDS.search(link.title) and not is_article else "other"


def is_column_address(url: str) -> bool:
    """Say whether an address has a column's slug: zfxxgknb, ndbg, xxgknb_123 … (seen on real sites)."""
    return SLUG.search(urlsplit(url).path) is not None
