"""The pages over HTTP, within Datasette: routes, headers, languages, and who may see them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from datasette import Forbidden, NotFound, Response
from datasette.utils import sqlite_timelimit

from archive.browse import ask, feeds, is_archive, pages
from archive.browse.words import LANGUAGES, Language, speaker
from archive.database import ArchiveError

if TYPE_CHECKING:
    import sqlite3

View = Callable[..., Awaitable[Any]]

ROOT = "/-/gongkai"
CALM = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
PAGE = CALM | {
    # Charts bring their own <style>; of scripts only our files run, so not Datasette's one inline script either.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
RAW = CALM | {"Content-Security-Policy": "sandbox; default-src 'none'", "X-DNS-Prefetch-Control": "off"}

_PAGES: dict[str, tuple[str, Callable[[sqlite3.Connection, pages.Asked], pages.Context | None]]] = {
    "": ("home", pages.home),
    "/coverage": ("coverage", pages.coverage),
    "/changes": ("changes", pages.changes),
    "/search": ("search", pages.found),
    "/office": ("office", pages.office),
    "/health": ("health", pages.health),
    "/copies": ("copies", pages.copies),
    "/report/(?P<report>[0-9a-f]{16})": ("report", pages.report),
    "/text/(?P<payload>[0-9a-f]{64})": ("text", pages.text),
    "/diff/(?P<page>[0-9a-f]{16})/(?P<old>[0-9]{1,6})/(?P<new>[0-9]{1,6})": ("diff", pages.diff),
    "/copy/(?P<page>[0-9a-f]{16})": ("copy", pages.copy),
}
_HTML = ("text/html", "application/xhtml+xml", "text/plain")
_CONNECTING = re.compile(rb"<(?=link|i?frame|object|embed)", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}")
_CHARSET = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_SUFFIX = re.compile(r"\.([A-Za-z0-9]{1,5})$")


def routes(datasette: Any) -> list[tuple[str, View]]:
    """List the routes; the index is ours only where an archive is all that is served."""
    views: list[tuple[str, View]] = [
        (f"{ROOT}{path}/?$", _page(template, page)) for path, (template, page) in _PAGES.items()
    ]
    views += [
        (f"{ROOT}/raw/(?P<payload>[0-9a-f]{{64}})$", raw),
        (f"{ROOT}/feed/(?P<feed>{'|'.join(feeds.FEEDS)})\\.atom$", feed),
    ]
    served = [name for name in datasette.databases if not name.startswith("_")]
    if len(served) == 1 and is_archive(datasette, served[0]):
        views.append((r"/$", _page("home", pages.home)))
    if _told(datasette).get("public"):
        views.append((r"/-/(?!gongkai|static|jump)", private))
    return views if any(is_archive(datasette, name) for name in served) else []


def menu(datasette: Any) -> list[dict[str, str]]:
    """List the main pages for Datasette's menu."""
    named = {"": "首页", "/coverage": "覆盖", "/search": "检索", "/changes": "变更", "/health": "运行"}
    if not any(is_archive(datasette, name) for name in datasette.databases):
        return []
    return [{"href": datasette.urls.path(ROOT + path), "label": label} for path, label in named.items()]


def _page(template: str, page: Callable[[sqlite3.Connection, pages.Asked], pages.Context | None]) -> View:
    async def view(datasette: Any, request: Any) -> Any:
        language = _language(request)
        words = {key: request.args.get(key) for key in request.args}
        asked = pages.Asked(parts=request.url_vars, words=words, language=language)
        name, context = await _asking(datasette, request, lambda db: page(db, asked))
        shown, status = (template, 200) if context is not None else ("nothing", 404)
        path = datasette.urls.path
        context = {
            **(context or {}),
            **speaker(language),
            "language": language,
            "archive": name,
            "here": template,
            "go": lambda *parts, **query: path(_address(*parts, **query)),
            "again": lambda **query: f"?{urlencode(_but(words, query))}",
            "data": lambda table, **query: f"{datasette.urls.table(name, table)}?{urlencode(query)}",
            "questions": _told(datasette).get("questions", []),
            "static": lambda file: path(f"/-/static-plugins/gongkai/{file}"),
        }
        html = await datasette.render_template(f"gongkai_{shown}.html", context, request=request)
        html = re.sub("<html[^>]*>", f'<html lang="{LANGUAGES[language]}">', html, count=1)  # no block of Datasette's
        response = Response.html(html, status=status, headers=dict(PAGE))
        if request.args.get("lang") in LANGUAGES:
            response.set_cookie("gongkai_lang", language, samesite="lax", max_age=365 * 86400)
        return response

    return view


async def raw(datasette: Any, request: Any) -> Any:
    """A payload as it was served: HTML and text in a sandbox in which nothing runs or loads, the rest as a download.

    With `?download` the very bytes, whatever they are.
    """
    payload = request.url_vars["payload"]

    def serve(db: sqlite3.Connection) -> Any:
        try:
            return ask.served(db, payload)
        except ArchiveError:
            return None

    _, found = await _asking(datasette, request, serve)
    if found is None:
        raise NotFound("档案中没有此内容，或已损坏 · not in the archive, or damaged")
    media_type = found["type"].partition(";")[0].strip().lower()
    if media_type in _HTML and "download" not in request.args:
        charset = found["charset"] if found["charset"] and _CHARSET.fullmatch(found["charset"]) else "utf-8"
        shown = "text/plain" if media_type == "text/plain" else "text/html"
        body, charset = _disarmed(found["body"], charset)
        return Response(body=body, headers=dict(RAW), content_type=f"{shown}; charset={charset}")
    suffix = _SUFFIX.search(urlsplit(found["url"]).path)
    name = payload[:16] + (suffix[0] if suffix else "")
    return Response(
        body=found["body"],
        headers=RAW | {"Content-Disposition": f'attachment; filename="{name}"'},
        content_type=media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream",
    )


def _disarmed(body: bytes, charset: str) -> tuple[bytes, str]:
    """Make elements mean nothing for which a browser connects elsewhere before it asks the policy: frames, in Chromium.

    Every charset that a browser knows, but UTF-16, writes a tag's name as ASCII does.
    """
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or charset.lower().startswith("utf-16"):
        body, charset = body.decode("utf-16", "replace").encode(), "utf-8"
    return _CONNECTING.sub(b"<x-", body), charset


async def feed(datasette: Any, request: Any) -> Any:
    """An Atom feed of what befell reports."""
    name = request.url_vars["feed"]
    _, events = await _asking(datasette, request, lambda db: ask.happened(db, feeds.FEEDS[name].kinds, limit=50))

    def absolute(*parts: str) -> str:
        return str(datasette.absolute_url(request, datasette.urls.path(_address(*parts))))

    body = feeds.atom(name, events, absolute=absolute, home=f"{request.scheme}://{request.host}")
    return Response(body=body, headers=dict(CALM), content_type="application/atom+xml; charset=utf-8")


async def private() -> None:
    """Datasette's pages about itself, which name the archive's place on disk: not for the public."""
    raise Forbidden("不对外开放 · not for the public")


def _told(datasette: Any) -> dict[str, Any]:
    """Give what `archive.browse.serve` tells the plugin; nothing where Datasette was started otherwise."""
    return datasette.plugin_config("gongkai") or {}


async def _asking(datasette: Any, request: Any, ask_: Callable[[sqlite3.Connection], Any]) -> tuple[str, Any]:
    """Ask the archive in Datasette's thread, within its time limit, for those who may see it."""
    name = next(name for name in datasette.databases if is_archive(datasette, name))
    if hasattr(datasette, "ensure_permissions"):  # 0.65
        await datasette.ensure_permissions(request.actor, [("view-database", name), "view-instance"])
    else:
        from datasette.resources import DatabaseResource

        await datasette.ensure_permission(action="view-database", resource=DatabaseResource(name), actor=request.actor)
    limit = datasette.setting("sql_time_limit_ms")

    def within(db: sqlite3.Connection) -> Any:
        with sqlite_timelimit(db, limit):
            return ask_(db)

    return name, await datasette.get_database(name).execute_fn(within)


def _language(request: Any) -> Language:
    said = request.args.get("lang") or request.cookies.get("gongkai_lang")
    return "en" if said == "en" else "zh"


def _address(*parts: object, **query: object) -> str:
    path = "/".join([ROOT, *(quote(str(part), safe="") for part in parts if part != "")])
    given = {key: value for key, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def _but(words: dict[str, str], query: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in {**words, **query}.items() if value not in (None, "")}
