"""A browser tab as the server sees it: a web socket, the values of widgets, and timers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

ANSWER_SECONDS = 120
PROSE = {"markdown": "body", "heading": "body", "code": "code_text", "alert": "body"}
Value = int | str | list[float] | list[str] | None


class Widget(NamedTuple):
    """The fragment that a widget is in, and where its value stands in the address; or nothing."""

    fragment: str
    parameter: str


class Session:
    """One visitor's tab. It does what Streamlit's front end does, but for drawing.

    It keeps no cache of messages, so the server sends everything each time.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.page = ""
        self.pages: dict[str, str] = {}
        self.widgets: dict[str, Widget] = {}
        self.said: list[str] = []  # All prose that the last run drew.
        self.polls: list[float] = []  # Seconds of each run that a timer asked for.
        self.listening: asyncio.Task[None]
        self._query: dict[str, str] = {}
        self._values: dict[str, WidgetState] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    # Acting

    async def open(self, page: str, **query: object) -> float:
        """Turn to a page with this in its address; returns the seconds until it is drawn."""
        self.stop()
        self._values.clear()
        self.page, self._query = page, {key: str(value) for key, value in query.items()}
        return await self._rerun()

    async def set(self, key: str, value: Value) -> float:
        """Move a widget, or press a button where the value is None; returns the seconds."""
        found = [name for name in self.widgets if name.endswith(f"-{key}")]
        assert len(found) == 1, f"{found} for {key!r} on {self.page}, which says {self.said}"
        (name,) = found
        widget, state = self.widgets[name], _state(name, value)
        if value is None:
            return await self._rerun(widget.fragment, pressed=state)
        self._values[name] = state
        if widget.parameter:
            (text,) = value if isinstance(value, list) else [value]
            self._query[widget.parameter] = f"{text:g}" if isinstance(text, float) else str(text)
        return await self._rerun(widget.fragment)

    def has(self, key: str) -> bool:
        """Whether the page has a widget with this key now."""
        return any(name.endswith(f"-{key}") for name in self.widgets)

    async def _rerun(
        self,
        fragment: str = "",
        pressed: WidgetState | None = None,
        timer: bool = False,
    ) -> float:
        message = BackMsg()
        state = message.rerun_script
        state.query_string = urlencode(self._query)
        state.fragment_id, state.is_auto_rerun = fragment, timer
        if self.page in self.pages:
            state.page_script_hash = self.pages[self.page]
        else:
            state.page_name = self.page
        state.widget_states.widgets.extend(self._values.values())
        if pressed is not None:
            state.widget_states.widgets.append(pressed)
        drawn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(fragment, []).append(drawn)
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        await asyncio.wait(
            (drawn, self.listening), timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if self.listening.done():
            self.listening.result()
        assert drawn.done(), f"no answer on {self.page or 'home'} after {ANSWER_SECONDS} s"
        return time.perf_counter() - start

    async def _poll(self, fragment: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            self.polls.append(await self._rerun(fragment, timer=True))

    # Listening

    async def listen(self) -> None:
        """Take what the server sends until the socket closes."""
        async for payload in self.socket:
            assert isinstance(payload, bytes)
            message = ForwardMsg.FromString(payload)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._begin(tuple(message.metadata.run.fragment_ids))
            elif kind == "navigation":
                self.pages = {
                    page.url_pathname: page.page_script_hash
                    for page in message.navigation.app_pages
                }
            elif kind == "delta":
                self._draw(message.delta)
            elif kind == "auto_rerun":
                asked = message.auto_rerun
                if asked.fragment_id not in self._timers:
                    self._timers[asked.fragment_id] = asyncio.create_task(
                        self._poll(asked.fragment_id, asked.interval)
                    )
            elif kind == "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    if timer := self._timers.pop(fragment, None):
                        timer.cancel()
            elif kind == "script_finished":
                self._end(message.script_finished, tuple(message.metadata.run.fragment_ids))

    def _begin(self, fragments: tuple[str, ...]) -> None:
        self.said.clear()
        if not fragments:
            self.widgets.clear()
            self.stop()

    def _draw(self, delta: Delta) -> None:
        drawn = delta.add_block if delta.WhichOneof("type") == "add_block" else delta.new_element
        kind = drawn.WhichOneof("type")
        if kind is None:
            return
        assert kind != "exception", drawn
        content = getattr(drawn, kind)
        if name := getattr(content, "id", ""):
            self.widgets[name] = Widget(delta.fragment_id, getattr(content, "query_param_key", ""))
        if kind in PROSE:
            self.said.append(getattr(content, PROSE[kind]))

    def _end(self, status: int, fragments: tuple[str, ...]) -> None:
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        assert status != ForwardMsg.FINISHED_WITH_COMPILE_ERROR
        # A run of the whole page draws its fragments too.
        for fragment in fragments or list(self._waiting):
            for drawn in self._waiting.pop(fragment, []):
                if not drawn.done():
                    drawn.set_result(None)

    def stop(self) -> None:
        """Let the timers end, as when a page is left."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()


def _state(name: str, value: Value) -> WidgetState:
    state = WidgetState(id=name)
    if value is None:
        state.trigger_value = True
    elif isinstance(value, list):
        numbers = all(isinstance(one, float) for one in value)
        (state.double_array_value if numbers else state.string_array_value).data.extend(value)
    elif isinstance(value, str):
        state.string_value = value
    else:
        state.int_value = int(value)
    return state


@asynccontextmanager
async def session(address: str) -> AsyncIterator[Session]:
    """A fresh tab on a server.

    Args:
        address: Such as `http://localhost:8501`.
    """
    url = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    async with connect(url, max_size=None, compression=None) as socket:
        opened = Session(socket)
        opened.listening = asyncio.create_task(opened.listen())
        try:
            yield opened
        finally:
            opened.stop()
            opened.listening.cancel()
