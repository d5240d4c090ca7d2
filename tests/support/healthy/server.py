# SPDX-License-Identifier: Apache-2.0
"""Python's own HTTP server, a thread for each connection; reads a file for each request."""
import http.server
import sys


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("/etc/hostname", "rb") as file:
            text = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
with open(sys.argv[1], "w", encoding="ascii") as port:
    port.write(str(server.server_port))
server.serve_forever()
