// SPDX-License-Identifier: Apache-2.0
// FileRoot: the files below one directory, as answers: media types, ranges (one or several),
// validators and conditions, redirects to directories' index pages. In the clear, bytes go from the
// page cache to the socket without a copy.
//
//   auto files = FileRoot::open("/srv/www");
//   routes.get("/static/{path...}", [&](Exchange& exchange) {
//     return files->serve(exchange, exchange.request().parameter("path"));
//   });
//
// Nothing outside the directory can be reached: the kernel resolves the path beneath it
// (openat2(2), RESOLVE_BENEATH), symbolic links that lead out included. Names that begin with a dot
// are not there. The descriptor of a file is counted in the budget while it is sent.
// Threads: any; it must outlive its callers.
#pragma once

#include <string>
#include <string_view>

#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"
#include "plumb/loop/task.h"
#include "plumb/web/exchange.h"

namespace plumb::runtime {

struct FileOptions {
  std::string index = "index.html";  // of a directory; empty: a directory is 404
  std::string cache_control = {};    // the field of that name; empty: none
};

class FileRoot {
 public:
  // Errors: of open; ENOSYS before Linux 5.6.
  static Result<FileRoot> open(const std::string& directory, FileOptions options = {});

  // Answers with the file at `path`, which is relative and decoded, as a route's {path...} is. 404,
  // 403, 416, 412, 304, 301 where they are due; 503 when no descriptor can be had.
  Task<> serve(Exchange& exchange, std::string_view path) const;

 private:
  FileRoot(UniqueFd root, FileOptions options)
      : root_(std::move(root)), options_(std::move(options)) {}

  UniqueFd root_;
  FileOptions options_;
};

}  // namespace plumb::runtime
