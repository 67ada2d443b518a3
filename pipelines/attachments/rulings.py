"""Ruled tables in a picture: where their cells are, found by opencv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[Any]

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels; the last two not included."""

_SHORTEST = 25  # pixels; shorter strokes are letters
_GAP = 15  # pixels; a ruling broken by less is whole
_LEAST_SIDE = 10  # pixels, of a cell
_LEAST_CELLS, _MOST_CELLS = 3, 5000
_LEAST_WIDTH = 150  # pixels, of a table; letters have lines too
_ENOUGH = 200  # rulings to measure a slant
_MOST_SLANT = 5.0  # degrees


def ink(grey: Pixels) -> Pixels:
    """Mark with 255 what is darker than its surroundings."""
    import cv2

    return cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 10)


def upright(grey: Pixels) -> Pixels:
    """Turn a slanting picture, by at most 5 degrees, until its long level rulings are level."""
    import cv2
    import numpy as np

    height, width = grey.shape
    level = _strokes(cv2.dilate(ink(grey), np.ones((3, 1), np.uint8)), across=True)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(level, connectivity=8)
    slopes = []
    for label in np.flatnonzero(boxes[:, 2] > width / 5)[1 : _ENOUGH + 1]:
        x, y, wide, high, _ = boxes[label]
        rows, columns = np.nonzero(labels[y : y + high, x : x + wide] == label)
        slopes.append(np.polyfit(columns, rows, 1)[0])
    slant = float(np.degrees(np.arctan(np.median(slopes)))) if slopes else 0.0
    if not 0.05 < abs(slant) < _MOST_SLANT:
        return grey
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), slant, 1.0)
    return cv2.warpAffine(grey, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def tables(ink: Pixels) -> list[list[Box]]:
    """Find the cells of each table of an upright picture, from top to bottom; it has two columns at least."""
    import cv2
    import numpy as np

    strokes = (_strokes(ink, across=True) | _strokes(ink, across=False)).astype(np.uint8)
    rules = cv2.dilate(strokes, np.ones((5, 5), np.uint8))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(rules, connectivity=8)
    found = []
    for label in np.flatnonzero((boxes[:, 2] >= _LEAST_WIDTH) & (boxes[:, 3] >= 2 * _LEAST_SIDE))[1:].tolist():
        left, top, width, height, _ = boxes[label].tolist()
        cells = _cells(labels[top : top + height, left : left + width] == label, left, top)
        if len({x // _LEAST_SIDE for x, *_ in cells}) > 1 and _LEAST_CELLS <= len(cells) <= _MOST_CELLS:
            found.append(cells)
    return sorted(found, key=lambda cells: min(top for _, top, _, _ in cells))


def _strokes(ink: Pixels, *, across: bool) -> Pixels:
    """Keep the long straight strokes of one direction, their gaps closed."""
    import cv2
    import numpy as np

    long, gap = (np.ones((1, size) if across else (size, 1), np.uint8) for size in (_SHORTEST, _GAP))
    return cv2.morphologyEx(cv2.morphologyEx(ink, cv2.MORPH_OPEN, long), cv2.MORPH_CLOSE, gap)


def _cells(lines: Pixels, left: int, top: int) -> list[Box]:
    """Find the places that a table's lines shut in."""
    import cv2
    import numpy as np

    for side in (lines, lines[::-1], lines.T, lines.T[::-1]):
        ends = np.flatnonzero(side[:_LEAST_SIDE].any(axis=0))
        side[0, ends[0] : ends[-1]] = True  # a table cut by a page break, or ruled without sides
    outside = np.pad(~lines, 1, constant_values=True).astype(np.uint8)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
    return [
        (left + x - 1, top + y - 1, left + x - 1 + wide, top + y - 1 + high)
        for x, y, wide, high, _ in boxes[2:].tolist()  # after the lines and what is around them
        if min(wide, high) >= _LEAST_SIDE
    ]
