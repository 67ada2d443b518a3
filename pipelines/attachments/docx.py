"""Word documents since 2007 (DOCX, DOCM; Word, WPS, LibreOffice): a ZIP of XML parts, read with lxml.

Python-docx is not used: it refuses documents with macros and strict ones, and leaves out what stands in content
controls, text boxes and insertions. Macros are not looked at, and nothing a document links to is fetched.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED

from lxml import etree, html

from pipelines import grids
from pipelines.attachments import Document, UnreadableError
from pipelines.attachments.container import opened, unpack
from pipelines.attachments.numbering import Numbering, W, value, whole
from pipelines.lines import glue, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zipfile import ZipFile

    from lxml.etree import _Element

    from archive.records import Grid

LARGEST = 16 * 1024**2
"""What one part may be unpacked, in bytes; a large report's text is a tenth of it."""

ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The name of the stream in which an OLE container hides a document behind a password."""

_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_BREAK = "\u2028"
_OBJECT = "\ufffc"  # stands for a picture in what was a DOC
_MOST_COLUMNS = 63  # as Word
_HAIR = 100  # twentieths of a point, under 2 mm
_PARAGRAPH, _TABLE, _RUN, _BOX = (W + name for name in ("p", "tbl", "r", "txbxContent"))
_BLOCKS, _ROWS, _CELLS = frozenset({_PARAGRAPH, _TABLE}), frozenset({f"{W}tr"}), frozenset({f"{W}tc"})
_SIGNS = {f"{W}tab": "\t", f"{W}br": _BREAK, f"{W}cr": _BREAK, f"{W}noBreakHyphen": "-"}
_WORDS = frozenset({f"{W}t", "{http://schemas.openxmlformats.org/officeDocument/2006/math}t", _BOX, *_SIGNS})
_LEFT_OUT = frozenset(W + name for name in ("del", "moveFrom", "rt", "pPr", "rPr", "sdtPr", "tblPr", "trPr", "tcPr"))
_EITHER = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_PICTURES = ("{http://schemas.openxmlformats.org/drawingml/2006/main}blip", "{urn:schemas-microsoft-com:vml}imagedata")


def read(payload: bytes) -> Document:
    """Read a Word document's paragraphs and tables as it shows them.

    Insertions are in and deletions out, hidden words, notes, headers and footers too; fields show their results,
    paragraphs of automatic lists their labels, and a text box follows the paragraph it hangs on. A table that only
    lays out, or holds another, is read cell by cell. The pages are those its program last counted. Raises
    UnreadableError.
    """
    parts = _parts(payload)
    body = parts["officeDocument"].find(f"{W}body")
    if body is None:
        raise UnreadableError("not a Word document")
    blocks = tuple(_blocks(body, Numbering(parts.get("numbering"), parts.get("styles"))))
    pictured = next(body.iter(*_PICTURES), None) is not None and all(isinstance(block, str) for block in blocks)
    return Document(
        blocks=blocks,
        pages=1 + sum(1 for _ in body.iter(f"{W}lastRenderedPageBreak")),
        flags=frozenset({"images-of-tables"} if pictured else ()),
    )


def _parts(payload: bytes) -> dict[str, _Element]:
    """Unpack and parse the parts that are read, by the kind of relation that leads to them."""
    if ENCRYPTED in payload:
        raise UnreadableError("encrypted")
    try:
        with opened(payload) as package:
            main = _related(package, "")["officeDocument"]
            names = {"officeDocument": main, **_related(package, main)}
            wanted = names.keys() & {"officeDocument", "numbering", "styles"}
            return {kind: _xml(package, names[kind]) for kind in wanted}
    except KeyError as error:
        raise UnreadableError("not a Word document") from error
    except etree.XMLSyntaxError as error:
        raise UnreadableError("malformed XML") from error


def _related(package: ZipFile, part: str) -> dict[str, str]:
    """Give the parts that a part names as its own, by the kind of relation; it need not name any (ECMA-376-2, 9.3)."""
    folder, name = posixpath.split(part)
    named = posixpath.join(folder, "_rels", f"{name}.rels")
    if named not in package.namelist():
        return {}
    relations = _xml(package, named).iter("{*}Relationship")
    return {
        posixpath.basename(relation.get("Type", "")): posixpath.join("/", folder, relation.get("Target", ""))[1:]
        for relation in relations
    }


def _xml(package: ZipFile, name: str) -> _Element:
    member = package.getinfo(name)
    if member.file_size > LARGEST:
        raise UnreadableError("too large unpacked")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise UnreadableError("damaged")
    text = unpack(package, member).replace(_STRICT, W[1:-1].encode())
    if b"<!DOCTYPE" in text:
        raise UnreadableError("declares entities")
    return etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True))


def _blocks(element: _Element, numbering: Numbering) -> Iterator[str | Grid]:
    for block in _nearest(element, _BLOCKS):
        yield from _paragraph(block, numbering) if block.tag == _PARAGRAPH else _table(block, numbering)


def _nearest(element: _Element, tags: frozenset[str]) -> Iterator[_Element]:
    """Find elements of some kinds and none within them, in order, through whatever wraps them and is shown."""
    for child in element:
        if child.tag in tags:
            yield child
        elif child.tag == _EITHER:
            yield from _nearest(child[0], tags) if len(child) else ()
        elif child.tag not in _LEFT_OUT and not (child.tag == _RUN and _on(child, "rPr/vanish")):
            yield from _nearest(child, tags)


def _paragraph(paragraph: _Element, numbering: Numbering) -> Iterator[str | Grid]:
    label, words = numbering.label(paragraph), list(_nearest(paragraph, _WORDS))
    text = "".join(_SIGNS.get(word.tag) or word.text or "" for word in words if word.tag != _BOX)
    text = text.replace(_OBJECT, "")
    if tidy(text):
        yield from filter(None, map(tidy, f"{label}{text}".split(_BREAK)))
    for box in words:
        if box.tag == _BOX:
            yield from _blocks(box, numbering)


def _table(table: _Element, numbering: Numbering) -> list[str | Grid]:
    """Read a data table as a grid, another as its cells' blocks, as `grids.read` does for HTML."""
    copy, hairs = html.Element("table"), _hairs(table)
    blocks: list[str | Grid] = []
    above: dict[int, _Element] = {}
    for row in _nearest(table, _ROWS):
        if _on(row, "trPr/del") or _on(row, "trPr/hidden"):
            continue
        line, here = etree.SubElement(copy, "tr"), dict[int, Any]()
        column = min(whole(value(row, "trPr/gridBefore"), 0), _MOST_COLUMNS)
        if at := len({*range(column)} - hairs):
            etree.SubElement(line, "td", colspan=str(at))
        for cell in _nearest(row, _CELLS):
            span = max(1, min(whole(value(cell, "tcPr/gridSpan"), 1), _MOST_COLUMNS))
            wide = len({*range(column, column + span)} - hairs)
            column += span
            shown = above.get(at)
            if (
                shown is not None
                and value(cell, "tcPr/vMerge") in ("", "continue")
                and shown.get("colspan") == str(wide)
            ):
                shown.set("rowspan", str(int(shown.get("rowspan", "1")) + 1))
            else:
                said = list(_blocks(cell, numbering))
                if not said and not wide:
                    continue
                blocks += said
                wide = max(1, wide)
                shown = etree.SubElement(line, "td", colspan=str(wide))
                shown.text = glue(block for block in said if isinstance(block, str))
            here[at] = shown
            at += wide
        above = here
    grid = grids.read(copy) if all(isinstance(block, str) for block in blocks) else None
    return blocks if grid is None else [grid]


def _hairs(table: _Element) -> set[int]:
    """Find the columns too narrow for any word: two edges that were meant to be one."""
    widths = [whole(column.get(f"{W}w"), 0) for column in table.iterfind(f"{W}tblGrid/{W}gridCol")]
    return {place for place, width in enumerate(widths) if 0 < width < _HAIR < max(widths)}


def _on(element: _Element, path: str) -> bool:
    """Say whether a property that is on or off is on."""
    return value(element, path) not in (None, "0", "false", "off")
