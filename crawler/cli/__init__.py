"""The command line: a thin face over the rooms."""

from __future__ import annotations

from importlib.metadata import version

import click

from crawler.cli import carry, cluster, crawl, keep, read, status


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("gongkai"), prog_name="gongkai")
def main() -> None:
    """Find, keep and read the yearly disclosure reports (政府信息公开工作年度报告) of China's public bodies.

    Exit codes: 0 all well; 1 some sources failed or the archive has faults; 2 misuse; 3 nothing worked;
    4 the archive is locked; 130 interrupted.
    """


for _room in (crawl, cluster, status, read, keep, carry):
    for _command in _room.COMMANDS:
        main.add_command(_command)
