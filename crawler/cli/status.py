"""How the archive and its sources stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from archive import reader
from archive.database import connect
from crawler.cli.shared import archive_option, megabytes, plain_errors


@click.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(archive: Path, *, as_json: bool) -> None:
    """Say what is in the archive, and how the last runs and each source's last visit went."""
    with plain_errors():
        db = connect(archive)
        state = {
            "sizes": reader.sizes(db),
            "standing": reader.standing(db),
            "runs": reader.runs(db, last=5),
            "visits": reader.last_visits(db),
        }
    if as_json:
        click.echo(json.dumps(state, ensure_ascii=False, indent=2))
        return
    sizes: Any = state["sizes"]
    click.echo(
        f"{sizes['reports']} reports, {sizes['versions']} versions, {sizes['captures']} captures of {sizes['pages']} pages; "
        f"{megabytes(sizes['bytes'])} served, {megabytes(sizes['stored'])} stored"
    )
    standing: Any = state["standing"]
    click.echo(
        f"{standing['pages']} official pages of reports: {standing['missing']} missing, {standing['withdrawn']} withdrawn, "
        f"{standing['moved']} moved, {standing['unlisted']} no longer listed"
    )
    click.echo("\nruns")
    for run in state["runs"]:
        click.echo(
            f"  {run['started_at'][:19]}  {run['status']:<11} {run['captures']} captures, {run['ok']} of {run['sources']} "
            f"sources ok, {run['new']} new, {run['changed']} changed, {run['gone']} gone"
        )
    click.echo("\nsources, last visit")
    for visit in state["visits"]:
        click.echo(f"  {visit['source']:<20} {visit['status']:<8} {visit['at'][:10]}  {visit['reason'] or ''}")


COMMANDS = (status,)
