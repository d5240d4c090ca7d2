# SPDX-License-Identifier: Apache-2.0
"""The service that the heartbeats go to: answers with a length, and with gzip where asked for it."""
import gzip
import os
import sys

from flask import Flask, request

app = Flask(__name__)


@app.route("/<path:path>", methods=["GET", "POST"])
def heartbeat(path):
    body = b"{}"
    headers = {"Content-Type": "application/json"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    return body, 200, headers


if __name__ == "__main__":
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
        file.write(f"127.0.0.1:{server.server_port}")
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()
