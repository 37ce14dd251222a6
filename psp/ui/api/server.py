"""The server of the tools (MCP, streamable HTTP), at /gradio_api/mcp.

Gradio's own makes a tool of each function as well, but hands a result of several parts over as one text, so
that no picture can be shown; its tools' choices are closed lists of text; and it keeps pictures of data URLs
outside the studio's folder. So its transports are taken, and what it says and does with tools is said here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.mcp import GradioMCPServer
from gradio.server_messages import EstimationMessage, EventMessage, ProgressMessage
from starlette.requests import Request
from starlette.responses import JSONResponse

from psp.errors import InputError, PspError
from psp.ranges import shown
from psp.ui.api.answers import answer_of
from psp.ui.api.asking import ask
from psp.ui.api.messages import MOST_BYTES, Messages
from psp.ui.api.tools import Tool, tools_of
from psp.ui.gate.line import Line
from psp.ui.gate.studio import Studio
from psp.ui.words import in_words_async
from psp.version import __version__

if TYPE_CHECKING:
    from mcp.server import Server
    from mcp.types import CallToolResult
    from mcp.types import Tool as Described

_log = logging.getLogger(__name__)

_INSTRUCTIONS = (
    "pSp Studio turns photos, sketches, segmentation maps and tiny pictures into synthetic faces "
    "(pixel2style2pixel). It identifies nobody. Use pictures of people who agree to it. To go on from a "
    "result, give the link of its picture or of its file of codes to the next tool."
)


def offer_tools(page: Studio) -> None:
    """Let ``page`` have tools once it is launched; say so in one line where that cannot be."""
    try:
        page.mcp_server_obj = ToolServer(page)
    except ImportError:
        _log.warning('There are no tools for language models (MCP): pip install "gradio[mcp]" brings them.')
        return
    page.mcp_server = True  # told to the page, which shows how to connect


class ToolServer(GradioMCPServer):
    """The tools of one page.

    Args:
        page: The page, with its lines.
    """

    def __init__(self, page: Studio) -> None:
        self._tools = tools_of(page)
        line = page._queue
        assert isinstance(line, Line), "build_app gives it one"
        self._line = line
        super().__init__(page)
        self.handle_streamable_http = Messages(self.handle_streamable_http)
        if hasattr(self.manager, "asgi_app"):  # the library's own limit, of later versions, has no words
            self.manager.asgi_app.max_body_size = MOST_BYTES
        self.tool_prefix = ""  # that of a Space: tools have the names of the endpoints

    def _offered(self) -> dict[str, Tool]:
        """Return the tools that the address asks for ("…/mcp/?tools=encode,toonify"), all by default."""
        chosen = self.get_selected_tools_from_request()
        return {name: tool for name, tool in self._tools.items() if chosen is None or name in chosen}

    def get_tool_to_endpoint(self) -> dict[str, str]:
        """Return the endpoints by the names of their tools."""
        return {name: f"/{name}" for name in self._tools}

    def warn_about_state_inputs(self) -> None:
        """Warn of nothing: what the server keeps of a visitor is not asked of a tool."""

    def create_mcp_server(self) -> Server[Any, Any]:
        """Return what answers the protocol's requests."""
        from mcp.server import Server  # noqa: PLC0415  (an optional part)

        # It warns of names that strangers send, in their own words.
        logging.getLogger("mcp.server").setLevel(logging.ERROR)
        server: Server[Any, Any] = Server("pSp Studio", __version__, _INSTRUCTIONS)

        @server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]  # mcp leaves it untyped
        async def list_tools() -> list[Described]:
            return [_described(tool) for tool in self._offered().values()]

        # Values are held against their ranges where those of all requests are, and told in the same words.
        @server.call_tool(validate_input=False)  # type: ignore[untyped-decorator]  # mcp leaves it untyped
        async def call_tool(name: str, arguments: dict[str, Any]) -> CallToolResult:
            try:
                return await self._call(name, arguments)
            except gr.Error as error:  # its text in quotation marks, otherwise
                raise PspError(str(error.message)) from error

        return server

    async def get_complete_schema(self, request: Request) -> JSONResponse:
        """Answer with all tools as plain JSON, for those who list the tools of Spaces."""
        return JSONResponse(
            [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "inputSchema": tool.schema,
                    "meta": {"file_data_present": True, "mcp_type": "tool", "endpoint_name": tool.name},
                }
                for tool in self._tools.values()
            ]
        )

    @in_words_async
    async def _call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Run a tool; errors are answers too, in words that say what to do."""
        from mcp import types  # noqa: PLC0415  (an optional part)

        tools = self._offered()
        if name not in tools:
            raise InputError(f"There is no tool {shown(name)}.", f"There are: {', '.join(tools)}.")
        tool = tools[name]
        request = self.mcp_server.request_context.request
        assert request is not None, "tools are called over HTTP"
        try:
            values = tool.values(arguments)
        except InputError as error:
            self._line.write_refused(name, error)
            raise
        outputs = await ask(self._line, tool.function, values, request, self._tell)
        answer = answer_of(outputs)
        return types.CallToolResult(
            content=[
                types.ImageContent(type="image", data=answer.picture, mimeType=answer.mime),
                types.TextContent(type="text", text=answer.words),
            ]
        )

    async def _tell(self, message: EventMessage) -> None:
        """Tell a client that wants to know what happens."""
        context = self.mcp_server.request_context
        token = context.meta.progressToken if context.meta else None
        if token is None:
            return
        if isinstance(message, EstimationMessage) and message.rank:
            share, words = 0.0, f"{message.rank} before this one"
        elif isinstance(message, ProgressMessage) and message.progress_data:
            share, words = message.progress_data[0].progress or 0.0, message.progress_data[0].desc or ""
        else:
            return
        await context.session.send_progress_notification(
            token, share, total=1.0, message=words, related_request_id=str(context.request_id)
        )


def _described(tool: Tool) -> Described:
    from mcp import types  # noqa: PLC0415  (an optional part)

    hints = types.ToolAnnotations(title=tool.title, readOnlyHint=True, openWorldHint=False)
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        inputSchema=tool.schema,
        annotations=hints,
    )
