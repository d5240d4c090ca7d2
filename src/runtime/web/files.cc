// SPDX-License-Identifier: Apache-2.0
// Finding a file beneath its root and answering with it.
#include "plumb/web/files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "byte_ranges.h"
#include "http_date.h"
#include "plumb/net/network.h"
#include "plumb/web/mime.h"
#include "validators.h"

namespace plumb::runtime {
namespace {

// glibc 2.36 has no wrapper. O_NONBLOCK: a FIFO must not hold up the loop.
UniqueFd open_beneath(const UniqueFd& root, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(
      ::syscall(SYS_openat2, root.get(), path.empty() ? "." : path.c_str(), &how, sizeof how)));
}

// An open file, counted in the loop's budget while it lives.
class OpenFile {
 public:
  // With the table full, idle connections make room.
  OpenFile(Network& network, const UniqueFd& root, const std::string& path)
      : budget_(network.loop().budget()) {
    fd_ = open_beneath(root, path);
    while (!fd_ && (errno == EMFILE || errno == ENFILE) && network.shed_one()) {
      fd_ = open_beneath(root, path);
    }
    error_ = fd_ ? 0 : errno;
    if (!fd_) return;
    budget_.acquired();
    if (::fstat(fd_.get(), &status_) != 0) error_ = errno;
  }
  ~OpenFile() {
    if (!fd_) return;
    fd_.reset();
    budget_.released();
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int error() const noexcept { return error_; }
  const UniqueFd& fd() const noexcept { return fd_; }
  bool is_directory() const noexcept { return S_ISDIR(status_.st_mode); }
  bool is_file() const noexcept { return S_ISREG(status_.st_mode); }
  std::uint64_t size() const noexcept { return static_cast<std::uint64_t>(status_.st_size); }

  Validators validators() const {
    // Nanoseconds, size and inode: a file that is replaced within a second is another one.
    char tag[80];
    std::snprintf(tag, sizeof tag, "\"%llx-%llx-%llx.%lx\"",
                  static_cast<unsigned long long>(status_.st_ino),
                  static_cast<unsigned long long>(status_.st_size),
                  static_cast<unsigned long long>(status_.st_mtim.tv_sec),
                  static_cast<unsigned long>(status_.st_mtim.tv_nsec));
    return {tag, status_.st_mtim.tv_sec};
  }

 private:
  DescriptorBudget& budget_;
  UniqueFd fd_;
  int error_ = 0;
  struct stat status_ {};
};

int status_for(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return 503;
    case EIO:
      return 500;
    default:  // ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP, EXDEV (it led out), ENXIO …
      return 404;
  }
}

bool has_hidden_name(std::string_view path) {
  return path.starts_with('.') || path.find("/.") != std::string_view::npos;
}

Response refusal(int status) {
  Response response = Response::plain(status);
  if (status == 503) response.set("Retry-After", "1");
  return response;
}

// Several ranges as parts of one body (RFC 9110 section 14.6).
Task<Result<void>> send_parts(Exchange& exchange, const OpenFile& file, Response head,
                              const std::vector<ByteRange>& ranges) {
  // Random enough not to stand in a file by chance: inode, size, time and the first range.
  std::string boundary = "plumb";
  for (const char c : file.validators().etag) {
    if (c != '"') boundary += c == '.' ? '-' : c;
  }
  const std::string type = head.type();
  std::vector<std::string> openings;
  std::uint64_t length = 0;
  for (const auto& range : ranges) {
    openings.push_back("\r\n--" + boundary + "\r\nContent-Type: " + type +
                       "\r\nContent-Range: " + content_range(range, file.size()) + "\r\n\r\n");
    length += openings.back().size() + range.count;
  }
  const std::string closing = "\r\n--" + boundary + "--\r\n";
  head.set_type("multipart/byteranges; boundary=" + boundary);
  const auto known = http::BodyLength::known(length + closing.size());
  if (auto begun = exchange.begin(head, known); !begun) co_return begun;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (auto sent = co_await exchange.write(openings[i]); !sent) co_return sent;
    auto sent = co_await exchange.write_file(file.fd(), ranges[i].first, ranges[i].count);
    if (!sent) co_return sent;
  }
  if (auto sent = co_await exchange.write(closing); !sent) co_return sent;
  co_return co_await exchange.end();
}

Task<Result<void>> send(Exchange& exchange, const OpenFile& file, std::string_view type,
                        std::string_view cache_control) {
  const auto& fields = exchange.request().head().fields;
  const Validators validators = file.validators();
  Response head(200);
  head.set("ETag", validators.etag);
  head.set("Last-Modified", http_date(validators.modified));
  if (!cache_control.empty()) head.set("Cache-Control", cache_control);
  switch (judge_preconditions(fields, validators)) {
    case Precondition::kNotModified:
      head.set_status(304);
      co_return co_await exchange.respond(std::move(head));
    case Precondition::kFailed:
      co_return co_await exchange.respond(Response::plain(412));
    case Precondition::kGoOn:
      break;
  }
  head.set_type(std::string(type));
  head.set("Accept-Ranges", "bytes");
  ByteRange whole{0, file.size()};
  const auto range = fields.find("range");
  const bool get = exchange.request().head().method == http::Method::kGet;
  if (range && get && range_counts(fields, validators)) {
    const auto verdict = judge_range(*range, file.size());
    if (verdict.what == RangeVerdict::What::kUnsatisfiable) {
      Response none = Response::plain(416);
      none.set("Content-Range", "bytes */" + std::to_string(file.size()));
      co_return co_await exchange.respond(std::move(none));
    }
    if (verdict.what == RangeVerdict::What::kRanges) {
      head.set_status(206);
      if (verdict.ranges.size() > 1) {
        co_return co_await send_parts(exchange, file, std::move(head), verdict.ranges);
      }
      whole = verdict.ranges.front();
      head.set("Content-Range", content_range(whole, file.size()));
    }
  }
  if (auto begun = exchange.begin(head, http::BodyLength::known(whole.count)); !begun) {
    co_return begun;
  }
  if (exchange.wants_content()) {
    auto sent = co_await exchange.write_file(file.fd(), whole.first, whole.count);
    if (!sent) co_return sent;
  }
  co_return co_await exchange.end();
}

}  // namespace

Result<FileRoot> FileRoot::open(const std::string& directory, FileOptions options) {
  auto root = UniqueFd::open(directory, O_PATH | O_DIRECTORY);
  if (!root) return std::move(root).error();
  const UniqueFd probe = open_beneath(*root, ".");
  if (!probe) return fail("openat2", directory, errno);
  return FileRoot(*std::move(root), std::move(options));
}

Task<> FileRoot::serve(Exchange& exchange, std::string_view path) const {
  std::string name(path);
  if (has_hidden_name(name) || name.starts_with('/')) {
    [[maybe_unused]] const auto said = co_await exchange.respond(refusal(404));
    co_return;
  }
  Network& network = exchange.stream().network();
  const std::string_view sent = exchange.request().path();
  if (name.empty() || name.ends_with('/')) name += options_.index;
  const OpenFile file(network, root_, name);
  if (file.error() == 0 && file.is_directory() && !options_.index.empty() && !sent.ends_with('/')) {
    // Relative links of the index page start from the directory.
    Response moved = Response::redirect(std::string(sent) + "/", 301);
    [[maybe_unused]] const auto said = co_await exchange.respond(std::move(moved));
  } else if (file.error() != 0 || !file.is_file()) {
    const int status = file.error() == 0 ? 404 : status_for(file.error());
    [[maybe_unused]] const auto said = co_await exchange.respond(refusal(status));
  } else {
    [[maybe_unused]] const auto done =
        co_await send(exchange, file, media_type_of(name), options_.cache_control);
  }
}

}  // namespace plumb::runtime
