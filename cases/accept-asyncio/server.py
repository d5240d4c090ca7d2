# SPDX-License-Identifier: Apache-2.0
"""An echo server of asyncio's manual. At the limit it pauses a second, then tries again."""
import asyncio
import sys


async def echo(reader, writer):
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


asyncio.run(main())
