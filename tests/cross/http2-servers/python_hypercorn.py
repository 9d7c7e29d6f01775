"""Hypercorn as a server that echoes: `hypercorn_echo.py CERTIFICATE KEY`. It prints its port, and answers 409 to a path
that comes a second time."""

import asyncio
import socket
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config

seen = set()


async def echo(scope, receive, send):
    if scope["type"] != "http":
        return
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    status = 409 if scope["path"] in seen else 200
    seen.add(scope["path"])
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"".join(parts)})


listener = socket.create_server(("127.0.0.1", 0))
config = Config()
# After so many requests, 1,000 by default, hypercorn says GOAWAY and answers none of the requests that it has taken:
# the pool cannot know what became of them.
config.keep_alive_max_requests = 1_000_000
config.bind = [f"fd://{listener.fileno()}"]
config.certfile, config.keyfile = sys.argv[1:]
print(listener.getsockname()[1], flush=True)
asyncio.run(serve(echo, config))
