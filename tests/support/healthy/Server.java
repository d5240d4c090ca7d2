// SPDX-License-Identifier: Apache-2.0
// The JDK's own HTTP server with a pool of eight threads; reads a file for each request.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;

public class Server {
  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.createContext("/", exchange -> {
      byte[] text = Files.readAllBytes(Path.of("/etc/hostname"));
      exchange.sendResponseHeaders(200, text.length);
      try (var body = exchange.getResponseBody()) {
        body.write(text);
      }
    });
    server.start();
    Files.writeString(Path.of(arguments[0]), String.valueOf(server.getAddress().getPort()));
  }
}
