"""Processes that work, each with pipes of its own: one that dies takes nothing with it, and another does its work again.

In pools whose workers share a pipe and its lock, one that is killed while it has nothing to do ends the pool, and one
killed with the lock stops it (concurrent.futures; pebble 5.2, issues 70 and 163): what was submitted is never answered.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any, TypeVar

AT_ONCE = 2
"""Pieces of work that a worker has: the one that it is at, and one in its pipe, so that it does not wait for us."""

PIPE = 1024 * 1024
"""The size asked for a worker's pipe, in bytes: of the usual 64 KiB (pipe(7)), a page may be more."""

Given = TypeVar("Given")
Made = TypeVar("Made")


class EndedError(Exception):
    """Workers ended before they gave a result; the message has the last one's exit code: for a signal, minus its number."""


class Pool:
    """Up to `count` processes, begun as they are needed, each with `begin`; `seconds` is what a piece of work may take."""

    def __init__(self, count: int, *, begin: Callable[[], object], seconds: float) -> None:
        self.count = count
        self._begin = begin
        self._seconds = seconds
        self._left: deque[_Piece] = deque()
        self._workers: list[_Worker] = []
        self._bell, self._rope = multiprocessing.Pipe(duplex=False)
        self._rung = self._closed = False
        self._thread = threading.Thread(target=self._run, name="pool", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Given], Made], given: Given) -> Future[Made]:
        """Have a worker do a piece of work.

        The future gets what was made or raised, TimeoutError, or EndedError where workers died of it.
        """
        if not self._thread.is_alive():
            raise RuntimeError("work was submitted to a pool that is closed")
        piece = _Piece(partial(work, given), tries=self.count + 1)  # all workers may be killed from outside, one by one
        self._left.append(piece)
        self._ring()
        return piece.made

    def close(self) -> None:
        """Finish what was submitted, and end the processes."""
        self._closed = True
        self._ring()
        self._thread.join()

    def _ring(self) -> None:
        if not self._rung:  # else what was rung and not yet heard will do
            self._rung = True
            self._rope.send_bytes(b"")

    # --- what the thread does: it alone touches the workers ---

    def _run(self) -> None:
        try:
            while self._left or any(worker.sent for worker in self._workers) or not self._closed:
                self._give()
                self._wait()
        finally:
            for worker in tuple(self._workers):
                self._end(worker)
            for piece in self._left:  # none, but for a fault of ours
                if piece.is_wanted():
                    piece.made.set_exception(RuntimeError("the pool has ended"))

    def _give(self) -> None:
        """Give out work, until no worker has room for more."""
        while self._left:
            piece = self._left.popleft()
            if not piece.is_wanted():
                continue
            try:
                worker = self._free(size=len(piece.pickled()))
            except Exception as error:  # noqa: BLE001  # it cannot be pickled, or no process can be begun
                piece.made.set_exception(error)
                continue
            if worker is None:
                self._left.appendleft(piece)
                return
            try:
                worker.send(piece)
            except OSError:  # it has died
                self._left.appendleft(piece)
                self._lose(worker)

    def _free(self, *, size: int) -> _Worker | None:
        """Choose a worker without work, a new one, or one with room in its pipe; raises OSError where there can be none."""
        if idle := [worker for worker in self._workers if not worker.sent]:
            return idle[0]
        if len(self._workers) < self.count:
            try:
                self._workers.append(_Worker(self._begin))
                return self._workers[-1]
            except OSError:
                if not self._workers:
                    raise
        return next((worker for worker in self._workers if worker.has_room(size)), None)

    def _wait(self) -> None:
        """Wait until there is something to do, and do it."""
        late = min((worker.since for worker in self._workers if worker.sent), default=None)
        patience = None if late is None else max(0.0, late + self._seconds - monotonic())
        ready = wait([self._bell, *(worker.results for worker in self._workers)], patience)
        if self._bell in ready:
            self._bell.recv_bytes()
            self._rung = False
        for worker in tuple(self._workers):
            if worker.results in ready:
                self._take(worker)
            elif worker.sent and monotonic() - worker.since > self._seconds:
                worker.sent.popleft().made.set_exception(TimeoutError(f"not done after {self._seconds} s"))
                self._end(worker)

    def _take(self, worker: _Worker) -> None:
        try:
            words = worker.results.recv_bytes()
        except (EOFError, OSError):
            self._lose(worker)
            return
        piece = worker.sent.popleft()
        worker.since = monotonic()
        try:
            made, error = pickle.loads(words)  # noqa: S301  # from our own process
        except Exception as unreadable:  # noqa: BLE001  # as above
            made, error = None, unreadable
        if error is None:
            piece.made.set_result(made)
        else:
            piece.made.set_exception(error)

    def _lose(self, worker: _Worker) -> None:
        """Charge the death of a worker to the piece that it was at."""
        worker.process.join(timeout=1)
        if worker.sent:
            worker.sent[0].tries -= 1
            if not worker.sent[0].tries:
                worker.sent.popleft().made.set_exception(EndedError(f"exit code {worker.process.exitcode}"))
        self._end(worker)

    def _end(self, worker: _Worker) -> None:
        """End a worker; what was sent to it goes back."""
        self._workers.remove(worker)
        self._left.extendleft(reversed(worker.sent))
        worker.end()


class _Piece:
    """A piece of work: what to do, what it makes, how many workers it may yet cost."""

    def __init__(self, work: Callable[[], object], *, tries: int) -> None:
        self.work = work
        self.made: Future[Any] = Future()
        self.tries = tries
        self._pickled = b""

    def is_wanted(self) -> bool:
        """Say that it is not cancelled, and cannot be any more."""
        return self.made.running() or self.made.set_running_or_notify_cancel()

    def pickled(self) -> bytes:
        self._pickled = self._pickled or pickle.dumps(self.work)
        return self._pickled


class _Worker:
    """A process with its pipes, and what was sent to it: the first piece is what it is at, `since` when."""

    def __init__(self, begin: Callable[[], object]) -> None:
        # Spawned, not forked: a forked child would share the archive's lock and connection.
        context = multiprocessing.get_context("spawn")
        pieces, self.pieces = context.Pipe(duplex=False)
        self.results, results = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(pieces, results, begin), daemon=True)
        self.process.start()
        pieces.close()
        results.close()  # so that the pipe ends when its process does
        self.sent: deque[_Piece] = deque()
        self.since = 0.0
        try:
            self._room = fcntl.fcntl(self.pieces, fcntl.F_SETPIPE_SZ, PIPE) // 2  # half, for pages are not filled up
        except OSError:  # beyond what the user may have
            self._room = fcntl.fcntl(self.pieces, fcntl.F_GETPIPE_SZ) // 2

    def has_room(self, size: int) -> bool:
        """Say whether so many bytes more fit into the pipe; who sends others waits, and the worker may be waiting for us."""
        waiting = sum(len(piece.pickled()) for piece in self.sent)
        return len(self.sent) < AT_ONCE and waiting + size <= self._room

    def send(self, piece: _Piece) -> None:
        self.pieces.send_bytes(piece.pickled())
        if not self.sent:
            self.since = monotonic()
        self.sent.append(piece)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pieces.close()
        self.results.close()


def _work(pieces: Connection, results: Connection, begin: Callable[[], object]) -> None:
    """Be a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who gives us work
    begin()
    with suppress(EOFError, BrokenPipeError):  # nobody gives us work any more
        while True:
            results.send_bytes(_outcome(pieces.recv_bytes()))


def _outcome(words: bytes) -> bytes:
    """Do a piece of work; gives what it made and what it raised, one of them None."""
    try:
        return pickle.dumps((pickle.loads(words)(), None))  # noqa: S301  # from our own parent
    except BaseException as error:  # noqa: BLE001  # Rust's panics too
        error.add_note(traceback.format_exc())
        try:
            return pickle.dumps((None, error))
        except Exception:  # noqa: BLE001
            return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")))
