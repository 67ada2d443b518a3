"""A crawl of hostile sites ends, in bounded requests and memory, and names each trap; the healthy ones are complete."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest
import sites

CRAWL = """
import json, sys
from pathlib import Path
from crawler import sources
from crawler.run import Job, crawl, exit_code
folder = Path(sys.argv[1])
(result,) = crawl([Job(sources=sources.load(folder / "sources.toml"))], archive=folder / "a.sqlite",
                  settings={"DOWNLOAD_TIMEOUT": 3, "RETRY_TIMES": 1})
visits = {v.source: (v.status, v.reason or "", v.new, v.requests) for v in result.visits}
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0])  # KiB; ru_maxrss would count the process that started this one
print(json.dumps({"visits": visits, "peak": peak, "exit": exit_code(result.status, result.visits)}))
"""


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Counter[str]]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "sources.toml").write_text(sites.sources_toml(), encoding="utf-8")
    with sites.serve(sites.traps()) as (proxy, asked):
        done = subprocess.run(
            [sys.executable, "-c", CRAWL, str(folder)], capture_output=True, text=True, check=False, timeout=300,
            env={"http_proxy": proxy, "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), Counter(urlsplit(url).hostname or "" for url in asked)


pytestmark = pytest.mark.xdist_group("hostile")


@pytest.mark.parametrize("name", sites.TRAPS)
def test_a_trap_is_named_and_costs_little(crawled: tuple[dict[str, Any], Counter[str]], name: str) -> None:
    trap, (said, asked) = sites.TRAPS[name], crawled
    status, reason, reports, requests = said["visits"][name]
    assert re.fullmatch(trap.status, status), (status, reason)
    assert re.search(trap.says, reason), reason
    assert reports == trap.reports
    assert requests <= trap.at_most
    assert asked[sites.host_of(name)] <= trap.at_most


@pytest.mark.parametrize("name", sites.HEALTHY)
def test_the_healthy_sites_beside_them_are_complete(crawled: tuple[dict[str, Any], Counter[str]], name: str) -> None:
    assert crawled[0]["visits"][name][:3] == ["ok", "", 3]


def test_memory_is_bounded_and_the_exit_code_tells(crawled: tuple[dict[str, Any], Counter[str]]) -> None:
    assert crawled[0]["peak"] < 400_000, "KiB"
    assert crawled[0]["exit"] == 1
