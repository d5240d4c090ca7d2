// SPDX-License-Identifier: Apache-2.0
// The cast of `plumb demo`: small programs that play the mysteries, all in one executable that is
// told by its first word which one it is. Each is the main function of that program; none ends by
// itself. They tell the demonstration their port by a line on standard output, and die with it.
#pragma once

namespace plumb::cast {

// The proxy: editor → beat … → proxy PORT → origin.
int origin(int argc, char** argv);  // answers heartbeats, with a length, and with gzip where asked
int proxy(int argc, char** argv);   // PORT of the origin; drops the framing of what it passes on
int editor(int argc, char** argv);  // PORT of the proxy; starts a beat again and again
int beat(int argc, char** argv);    // URL, PORT of the proxy; one heartbeat

// The body: service → registry.
int registry(int argc, char** argv);  // refuses everybody, politely
int service(int argc, char** argv);   // PORT of the registry; four jobs, one of which forgets

// The full table: clients → server.
int server(int argc, char** argv);   // accepts up to its limit, and then tries again at once
int clients(int argc, char** argv);  // COUNT, PORT or a line with it; connect and say nothing

// The finalizer: clients → reactor.
int reactor(int argc, char** argv);  // keeps the number of a listener that is collected

}  // namespace plumb::cast
