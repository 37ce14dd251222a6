"""The lines that requests wait in: fair among clients, room for everybody, work only while somebody waits.

Gradio's own queue is first come, first served: who asks thirty times holds everybody up; what nobody listens
to any more is worked off like anything else; and a request that is cancelled frees its place at once although
its work goes on. This one asks the same of it (the functions, their limits, the messages) and differs there.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
import uuid
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import fastapi
import gradio as gr
from gradio.block_function import BlockFunction
from gradio.context import LocalContext
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, EventQueue, Queue
from gradio.server_messages import EventMessage, ProcessCompletedMessage
from gradio.utils import error_payload

from psp.config import Settings
from psp.errors import PspError, StoppedError
from psp.ui.gate.client import Client, client_of
from psp.ui.gate.journal import Entry, write_refused, written
from psp.ui.gate.tally import Tally
from psp.ui.gate.turn import Turn, taking

# Seconds that a request is kept while nobody listens for its result: a client that asks first and then opens
# the stream, or lost its connection and is back at once, loses nothing.
GRACE = 15.0
# How the session of a request that names none begins: nobody can come back to it.
ONCE = "once-"
# The same for one that runs while others, who do listen, wait.
_HURRY = 4.0
# Seconds after which a listener who went away is missed when the order is made; between two messages of a
# stream nobody listens for a moment.
_MOMENT = 2.0


class Mailbox(asyncio.Queue[EventMessage]):
    """The messages to one session, which knows whether somebody listens."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners = 0
        self._left = time.monotonic()

    async def get(self) -> EventMessage:
        """Wait for the next message."""
        self._listeners += 1
        try:
            return await super().get()
        finally:
            self._listeners -= 1
            self._left = time.monotonic()

    def alone(self) -> float:
        """Return for how many seconds nobody has listened; 0 if somebody does."""
        return 0.0 if self._listeners else time.monotonic() - self._left


class Line(Queue):
    """Gradio's queue, with an order of its own; see the module.

    Args:
        page: The page.
        settings: How many may wait, how long one request may take, and how long once the studio stops.
    """

    def __init__(self, page: gr.Blocks, settings: Settings) -> None:
        super().__init__(True, page.max_threads, 1, settings.queue_size, page)
        self.seconds = float(settings.max_seconds)
        self.drain_seconds = float(settings.drain_seconds)
        self.settings = settings
        self.tally = Tally()
        self.closing = False  # no request is taken any more
        self.halted = False  # those that run are to stop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._working: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._told: weakref.WeakSet[Event] = weakref.WeakSet()  # those that are in the journal

    async def push(
        self, body: PredictBodyInternal, request: fastapi.Request, username: str | None
    ) -> tuple[bool, Any, Any]:
        """Take a request into its line, or refuse it in words."""
        answer = await self._take(body, request, username)
        function = self.blocks.fns.get(body.fn_index) if body.fn_index is not None else None
        if not answer[0] and function is not None:
            entry = self._entry(function, body, time.monotonic())
            write_refused(entry, "stopping" if self.closing else str(answer[2]))
        return answer

    async def _take(
        self, body: PredictBodyInternal, request: fastapi.Request, username: str | None
    ) -> tuple[bool, Any, Any]:
        if self.closing:
            return False, "The studio is being stopped. Try again in a minute.", "queue_full"
        if self.max_size is not None and len(self) >= self.max_size and not self._make_room(request, body):
            return False, f"{len(self)} requests wait already. Try again in a minute.", "queue_full"
        body.session_hash = body.session_hash or f"{ONCE}{uuid.uuid4().hex}"
        if body.session_hash not in self.pending_messages_per_session:
            self.pending_messages_per_session[body.session_hash] = Mailbox()
        answer = await super().push(body, request, username)
        event = self.event_ids_to_events.get(str(answer[1])) if answer[0] else None
        if event is not None:
            line = self.event_queue_per_concurrency_id[event.concurrency_id]
            line.queue[:] = self._in_order(line.queue)
            self.broadcast_estimations(event.concurrency_id)
        return answer

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """Return who is next in a line with a free place."""
        self._forget_the_lonely()
        for name, line in self.event_queue_per_concurrency_id.items():
            if line.queue and self._free(name, line):
                event = self._in_order(line.queue)[0]
                line.queue.remove(event)
                return [event], False, name
        return None

    async def process_events(
        self, events: list[Event], batch: bool, begin_time: float, fn: BlockFunction
    ) -> None:
        """Work on a request (here it is always one), and write it into the journal."""
        with written(self._entry_of(events[0])):
            await super().process_events(events, batch, begin_time, fn)

    def compute_analytics_summary(self, records: Any) -> Any:  # noqa: ANN401  (as gradio has them)
        """Return no figures: Gradio makes them anew after every request, for a page that is switched off."""
        return self.cached_event_analytics_summary

    async def clean_events(self, *, session_hash: str | None = None, event_id: str | None = None) -> None:
        """Forget the requests of a client that is gone."""
        with self._watching():
            await super().clean_events(session_hash=session_hash, event_id=event_id)

    async def remove_from_queue(self, event_id: str) -> None:
        """Forget a request that was cancelled while it waited."""
        with self._watching():
            await super().remove_from_queue(event_id)  # type: ignore[no-untyped-call]  # gradio says nothing of it

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Write those into the journal that go from their line within the block without being worked on."""
        before = self._waiting()
        yield
        for event in before:
            if event._id not in self.event_ids_to_events:
                self._write_stopped(event)

    def _entry_of(self, event: Event) -> Entry | None:
        """Return what the journal has of a request; None if it is not counted, or stands there already."""
        if event in self._told:
            return None
        self._told.add(event)
        return self._entry(event.fn, event.data, event.enqueue_time)

    def _entry(self, function: BlockFunction, body: Any, asked: float) -> Entry | None:  # noqa: ANN401  (gradio's)
        """Return the entry of a request that is counted, to be counted once it is written."""
        entry = Entry.of(function, body, asked, self.settings)
        if entry is not None:
            entry.counted = self.tally.add
        return entry

    def write_refused(self, name: str | None, why: PspError) -> None:
        """Write into the journal that a request to the endpoint ``name`` was refused before it came here."""
        found = (each for each in self.blocks.fns.values() if each.api_name == name is not None)
        if function := next(found, None):
            write_refused(self._entry(function, None, time.monotonic()), type(why).__name__)

    def _write_stopped(self, event: Event, kind: str = "") -> None:
        if entry := self._entry_of(event):
            entry.kind = kind
            entry.write()

    def alone(self, event: Event) -> float:
        """Return for how many seconds nobody has listened for the result of a request."""
        box = self.pending_messages_per_session.get(event.session_hash)
        waited = time.monotonic() - event.enqueue_time
        return min(box.alone(), waited) if isinstance(box, Mailbox) else waited

    def busy(self) -> bool:
        """Return whether a request is being worked on."""
        return any(self.active_jobs) or any(self._working.values())

    def running(self) -> int:
        """Return how many requests are being worked on, those that were given up but have not ended too."""
        return max(sum(job is not None for job in self.active_jobs), sum(self._working.values()))

    def start(self) -> None:
        """Begin to serve, in the event loop that this is called in."""
        self._loop = asyncio.get_running_loop()
        super().start()  # type: ignore[no-untyped-call]  # gradio says nothing of it

    def stop_soon(self, why: str, next_step: str) -> None:
        """Do :meth:`send_away`, called from another thread than the event loop's."""
        self.closing = True
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self.send_away, why, next_step)

    def send_away(self, why: str, next_step: str) -> None:
        """Take no request any more, and tell all that wait."""
        self.closing = True
        for event in self._waiting():
            self._drop(event, StoppedError(why, next_step))

    def in_turn(self, entry: BlockFunction, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function`` such that its place in the line is taken until it has really ended."""

        @functools.wraps(function)
        def taken(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  (whatever the function has)
            event = self.event_ids_to_events.get(LocalContext.event_id.get(None) or "")
            with self._lock:
                self._working[entry.concurrency_id] += 1
            try:
                with taking(Turn(self.seconds, functools.partial(self._unwanted, event))):
                    return function(*args, **kwargs)
            finally:
                with self._lock:
                    self._working[entry.concurrency_id] -= 1

        return taken

    def _unwanted(self, event: Event | None) -> str:
        """Return why work on a request is to stop, or nothing."""
        if self.halted:
            return "The studio is being stopped."
        if event is None:  # asked for without the queue
            return ""
        # Gradio takes a cancelled request out of its list, and marks one whose client is gone.
        gone = not event.alive or event._id not in self.event_ids_to_events
        return "Nobody waits for this any more." if gone or self.alone(event) > self._grace(event) else ""

    def _grace(self, event: Event) -> float:
        """Return how many seconds a running request may go on unheard: fewer where it is in the way."""
        if self.closing:
            return _MOMENT
        line = self.event_queue_per_concurrency_id[event.concurrency_id]
        in_the_way = any(self.alone(other) < _MOMENT for other in list(line.queue))
        return min(_HURRY, GRACE) if in_the_way else GRACE

    def _free(self, name: str, line: EventQueue) -> bool:
        limit = line.concurrency_limit
        return limit is None or max(line.current_concurrency, self._working[name]) < limit

    def _waiting(self) -> list[Event]:
        return [event for line in self.event_queue_per_concurrency_id.values() for event in line.queue]

    def _in_order(self, waiting: list[Event]) -> list[Event]:
        """Return the requests of a line in the order in which they are served.

        Clients take turns, and so do the sessions of one client; what runs counts as a turn. Requests for
        which nobody listens come after all others.
        """
        running = [event for job in self.active_jobs for event in job or () if _same_line(event, waiting)]
        turns: Counter[Client] = Counter(client_of(event.request) for event in running)
        sessions: Counter[str] = Counter(event.session_hash for event in running)
        of_client: defaultdict[Client, list[tuple[bool, int, float, Event]]] = defaultdict(list)
        for event in sorted(waiting, key=lambda each: each.enqueue_time):
            lonely = self.alone(event) > _MOMENT
            of_client[client_of(event.request)].append(
                (lonely, sessions[event.session_hash], event.enqueue_time, event)
            )
            sessions[event.session_hash] += 1
        order = []
        for client, events in of_client.items():
            for turn, (lonely, _, since, event) in enumerate(sorted(events, key=lambda each: each[:3])):
                order.append((lonely, turns[client] + turn, since, event))
        return [event for *_, event in sorted(order, key=lambda each: each[:3])]

    def _make_room(self, request: fastapi.Request, body: PredictBodyInternal) -> bool:
        """Send away the last request of who holds most of a full line; return whether there is room now.

        Only one who then still holds as many as the newcomer is sent away: first by client, then, among the
        sessions of one, by session.
        """
        waiting = sorted(self._waiting(), key=lambda each: each.enqueue_time)
        held = Counter(client_of(event.request) for event in waiting)
        newcomer = client_of(request)
        client, most = held.most_common(1)[0]
        if most > held[newcomer] + 1:
            of_client = [event for event in waiting if client_of(event.request) == client]
            by_session = Counter(event.session_hash for event in of_client)
        else:
            of_client = [event for event in waiting if client_of(event.request) == newcomer]
            by_session = Counter(event.session_hash for event in of_client)
            if not of_client or by_session.most_common(1)[0][1] <= by_session[str(body.session_hash)] + 1:
                return False
        session = by_session.most_common(1)[0][0]
        last = [event for event in of_client if event.session_hash == session][-1]
        why = "The line is full, and you have most requests in it."
        self._drop(last, StoppedError(why, "Ask again when one is done."))
        return True

    def _forget_the_lonely(self) -> None:
        for event in self._waiting():
            if self.alone(event) > GRACE:
                why = f"Nobody listened for the result for {GRACE:.0f} seconds, so it was not made."
                self._drop(event, StoppedError(why, "Ask again, and keep the connection open."))

    def _drop(self, event: Event, why: PspError) -> None:
        """Take a waiting request out of its line and tell its client."""
        self.event_queue_per_concurrency_id[event.concurrency_id].queue.remove(event)
        self.event_ids_to_events.pop(event._id, None)
        self._write_stopped(event, type(why).__name__)
        told = error_payload(gr.Error(str(why), print_exception=False), False)
        self.send_message(event, ProcessCompletedMessage(output=told, success=False))


def _same_line(event: Event, waiting: list[Event]) -> bool:
    return bool(waiting) and event.concurrency_id == waiting[0].concurrency_id


def take_turns(page: gr.Blocks, settings: Settings) -> Line:
    """Give ``page`` the lines of this module in place of Gradio's queue; return them.

    Called once all functions are there.
    """
    line = Line(page, settings)
    for entry in page.fns.values():
        if entry.fn is not None and entry.queue and hasattr(entry.fn, "__code__"):
            entry.fn = line.in_turn(entry, entry.fn)
    page._queue = line
    return line
