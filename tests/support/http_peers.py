# SPDX-License-Identifier: Apache-2.0
"""Real HTTP programs for tests: servers and a proxy, each with its log of what it was asked."""
import contextlib
import pathlib
import subprocess

from waiting import free_port, wait_for_port, wait_until

NODE_SERVER = """
const http = require('http'), fs = require('fs');
http.createServer((request, response) => {
  if (process.argv[2] !== '-') fs.appendFileSync(process.argv[2], request.url + '\\n');
  let size = 0;
  request.on('data', piece => size += piece.length);
  request.on('end', () => {
    if (request.url.includes('stall')) { response.writeHead(200, {'content-length': 100}); response.write('ten bytes.'); }
    else if (request.url.includes('chunked')) { response.write('a'.repeat(3000)); response.end('b'.repeat(9000)); }
    else response.end('node got ' + size);
  });
}).listen(Number(process.argv[3]), '127.0.0.1');
"""
GO_SERVER = """
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

func main() {
	log := os.Stdout
	if os.Args[1] != "-" {
		log, _ = os.Create(os.Args[1])
	}
	var lock sync.Mutex
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if os.Args[1] != "-" {
			lock.Lock()
			fmt.Fprintln(log, r.URL.String())
			lock.Unlock()
		}
		io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, "go")
	})
	if len(os.Args) < 4 {
		panic(http.ListenAndServe("127.0.0.1:"+os.Args[2], nil))
	}
	server := http.Server{Addr: "127.0.0.1:" + os.Args[2]}
	if os.Args[4] == "http1" {
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	}
	panic(server.ListenAndServeTLS(os.Args[3]+"/cert.pem", os.Args[3]+"/key.pem"))
}
"""
GO_CLIENT = """
package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	var from, to int
	if len(os.Args) > 4 {
		bufio.NewReader(os.Stdin).ReadString(10)
	}
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	fmt.Sscan(os.Args[2], &from)
	fmt.Sscan(os.Args[3], &to)
	for n := from; n < to; n++ {
		answer, err := http.Get(fmt.Sprintf(os.Args[1], n))
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
}
"""
NODE_CLIENT = """
const http = require(process.argv[2].split(':')[0]);
const agent = new http.Agent({keepAlive: true, maxSockets: 3, rejectUnauthorized: false});
let left = Number(process.argv[4]) - Number(process.argv[3]);
for (let n = Number(process.argv[3]); n < Number(process.argv[4]); ++n) {
  const request = http.request(process.argv[2].replace('%d', n), {agent, method: 'POST'}, answer => {
    answer.resume();
    answer.on('end', () => { if (--left === 0) agent.destroy(); });
  });
  request.end('posted');
}
"""
REQUESTS_CLIENT = """
import sys, requests
requests.packages.urllib3.disable_warnings()
with requests.Session() as session:
    for n in range(int(sys.argv[2]), int(sys.argv[3])):
        assert session.get(sys.argv[1] % n, verify=False).ok
"""


def certificate(folder):
    """key.pem and cert.pem of localhost, in the folder."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem",
                    "-out", folder / "cert.pem"], check=True, capture_output=True)


def build_go(folder, name, text, flags=()):
    source = pathlib.Path(folder, f"{name}.go")
    source.write_text(text)
    subprocess.run(["go", "build", *flags, "-o", folder / name, source], check=True, cwd=folder)
    return folder / name


@contextlib.contextmanager
def running(*command, port):
    with subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port)
            yield process
        finally:
            process.terminate()


@contextlib.contextmanager
def nginx(folder, tls=False, logs=True, http2=False):
    """(process, port, log); answers / with a small file of a known length, /big with a large one."""
    port = free_port()
    secure = ""
    if tls:
        certificate(folder)
        secure = f"ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;"
    root = folder / "www"
    root.mkdir()
    root.chmod(0o755)
    folder.chmod(0o755)
    (root / "index.html").write_text("nginx says hello\n")
    (root / "big").write_bytes(b"x" * 300_000)
    config = folder / "nginx.conf"
    config.write_text(f"""
daemon off; master_process on; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
user root;
events {{ worker_connections 256; }}
http {{
  log_format target '$request_uri';
  access_log {f"{folder}/nginx.log target" if logs else "off"};
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  sendfile on;
  server {{ listen 127.0.0.1:{port}{" ssl" if tls else ""}{" http2" if http2 else ""}; {secure} root {root}; }}
}}
""")
    with running("nginx", "-c", config, "-p", folder, port=port) as process:
        # It listens before it has a worker.
        wait_until(lambda: subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True,
                                          check=False).returncode == 0)
        yield process, port, folder / "nginx.log"


@contextlib.contextmanager
def haproxy(folder, upstream, tls=False):
    """With `tls` it ends TLS, with the certificate in the folder, and passes on in the clear."""
    port = free_port()
    secure = ""
    if tls:
        both = folder / "both.pem"
        both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
        secure = f"ssl crt {both}"
    config = folder / "haproxy.cfg"
    config.write_text(f"""
global
  maxconn 100
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend front
  bind 127.0.0.1:{port} {secure}
  default_backend back
backend back
  server one 127.0.0.1:{upstream}
""")
    with running("haproxy", "-db", "-f", config, port=port) as process:
        yield process, port


@contextlib.contextmanager
def node(folder, logs=True):
    port = free_port()
    script, log = folder / "server.js", folder / "node.log" if logs else "-"
    script.write_text(NODE_SERVER)
    if logs:
        log.write_text("")
    with running("node", script, log, port, port=port) as process:
        yield process, port, log


@contextlib.contextmanager
def squid(folder):
    """A forward proxy. It leaves root's rights and writes into a folder of everybody's."""
    port = free_port()
    own = folder / "squid"
    own.mkdir()
    own.chmod(0o777)
    folder.chmod(0o755)
    config = folder / "squid.conf"
    config.write_text(f"""
http_port 127.0.0.1:{port}
http_access allow all
cache deny all
access_log none
cache_log {own}/cache.log
pid_filename none
coredump_dir {own}
shutdown_lifetime 0 seconds
visible_hostname plumb
pinger_enable off
netdb_filename none
""")
    with running("squid", "-N", "-f", config, port=port) as process:
        yield process, port


@contextlib.contextmanager
def go(folder, logs=True, tls=None):
    """tls: nothing, "http1" or "http2"; with the certificate in the folder."""
    port = free_port()
    log = folder / "go.log" if logs else "-"
    secure = (folder, tls) if tls else ()
    with running(build_go(folder, "goserver", GO_SERVER), log, port, *secure, port=port) as process:
        yield process, port, log
