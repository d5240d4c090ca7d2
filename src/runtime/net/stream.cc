// SPDX-License-Identifier: Apache-2.0
// The stream as its user sees it, and its three operations.
#include "plumb/net/stream.h"

#include <algorithm>
#include <cerrno>

#include "plumb/net/network.h"
#include "stream_core.h"

namespace plumb::runtime {
namespace {

using AddressCall = int (*)(int, sockaddr*, socklen_t*);

Result<Address> address_by(AddressCall call, const char* operation, int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (call(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return fail(operation, "", errno);
  }
  return Address::from_kernel(storage, length);
}

int get_local(int fd, sockaddr* out, socklen_t* length) {
  return ::getsockname(fd, out, length);
}
int get_peer(int fd, sockaddr* out, socklen_t* length) {
  return ::getpeername(fd, out, length);
}

// handshake() and finish(): operations that are done or not.
class OnceWait : public StreamWait {
 public:
  using Attempt = bool (StreamCore::*)(Step&, ErrorPtr&);
  OnceWait(StreamCore& core, Attempt tried, const char* operation) noexcept
      : StreamWait(core), attempt_(tried), operation_(operation) {}
  Result<void> await_resume() {
    if (failed()) return error(operation_);
    return {};
  }

 private:
  Step attempt() override {
    Step step = Step::kDone;
    ErrorPtr error;
    if ((core().*attempt_)(step, error)) return Step::kDone;
    return error ? end_with(std::move(*error)) : step;
  }
  Attempt attempt_;
  const char* operation_;
};

}  // namespace

Stream::Stream(std::unique_ptr<StreamCore> core) noexcept : core_(std::move(core)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

Buffer Stream::buffer() const {
  return Buffer(core_->network().blocks());
}
Network& Stream::network() const noexcept {
  return core_->network();
}

Stream::ReadBuffer Stream::read(Buffer& into, std::size_t most) {
  return ReadBuffer(*core_, into, most);
}
Stream::ReadSpan Stream::read(std::span<std::byte> into) {
  return ReadSpan(*core_, into);
}
Result<std::optional<std::size_t>> Stream::try_read(Buffer& into, std::size_t most) {
  const auto room = into.prepare(1);
  Step step = Step::kDone;
  ErrorPtr error;
  const auto got = core_->read_once(room.first(std::min(room.size(), most)), step, error);
  if (got) into.commit(*got);
  if (into.empty()) into.clear();
  if (error) return std::move(*error);
  return got;
}

Result<std::optional<std::size_t>> Stream::try_write(Bytes bytes) {
  Step step = Step::kDone;
  ErrorPtr error;
  const auto sent = core_->write_once(bytes, step, error);
  if (error) return std::move(*error);
  return sent;
}

Stream::Write Stream::write(Bytes bytes) {
  return Write(*core_, bytes);
}
Stream::Write Stream::write(std::string_view text) {
  return Write(*core_, bytes_of(text));
}

Task<Result<void>> Stream::finish() {
  co_return co_await OnceWait(*core_, &StreamCore::finish_once, "finish");
}
Task<Result<void>> Stream::handshake() {
  co_return co_await OnceWait(*core_, &StreamCore::handshake_once, "TLS handshake");
}

Task<Result<void>> Stream::secure(const TlsContext& context, std::string_view server_name) {
  auto session = TlsSession::make(context, std::string(server_name));
  if (!session) co_return std::move(session).error();
  core_->start_tls(*std::move(session));
  co_return co_await handshake();
}

void Stream::close() noexcept {
  core_->close();
}
void Stream::abort() noexcept {
  core_->abort();
}
void Stream::set_idleness(Idleness idleness) noexcept {
  core_->set_idleness(idleness);
}
bool Stream::ended() const noexcept {
  return !core_->descriptor().open() || core_->descriptor().ended();
}
bool Stream::quiet() const noexcept {
  return core_->descriptor().open() && !core_->descriptor().ready(Direction::kRead);
}

bool Stream::encrypted() const noexcept {
  return core_->tls() != nullptr;
}
std::string Stream::alpn() const {
  return encrypted() ? core_->tls()->alpn() : "";
}
std::string Stream::server_name() const {
  return encrypted() ? core_->tls()->server_name() : "";
}

Result<Address> Stream::local() const {
  return address_by(get_local, "getsockname", core_->descriptor().borrow());
}
Result<Address> Stream::peer() const {
  return address_by(get_peer, "getpeername", core_->descriptor().borrow());
}

Result<Handover> Stream::hand_over() && {
  if (!core_->descriptor().open()) return fail("hand over", "connection", EBADF);
  if (core_->tls() != nullptr && core_->tls()->began()) {
    return fail("hand over", "connection", EBUSY, "its TLS belongs to this loop");
  }
  DescriptorBudget& budget = core_->network().loop().budget();
  return Handover(core_->detach(), budget);
}

Handover::~Handover() {
  if (!fd_) return;
  fd_.reset();
  budget_.released();
}

Descriptor& StreamWait::descriptor() {
  return core_.descriptor();
}

std::optional<std::size_t> StreamWait::read_once(std::span<std::byte> into, Step& step) {
  return core_.read_once(into, step, error_);
}

std::optional<std::size_t> StreamWait::read_once(Buffer& into, std::size_t most, Step& step) {
  // No memory for a connection that has nothing to say. TLS may hold plaintext of its own.
  if (core_.tls() == nullptr && core_.descriptor().open() &&
      !core_.descriptor().ready(Direction::kRead)) {
    step = Step::kRead;
    return std::nullopt;
  }
  auto room = into.prepare(1);
  const bool was_empty = into.empty();
  const auto got = core_.read_once(room.first(std::min(room.size(), most)), step, error_);
  if (got) into.commit(*got);
  if (was_empty && into.empty()) into.clear();
  return got;
}

std::optional<std::size_t> StreamWait::write_once(Bytes bytes, Step& step) {
  return core_.write_once(bytes, step, error_);
}

Step StreamWait::end_with(Error error) {
  error_ = std::make_unique<Error>(std::move(error));
  return Step::kDone;
}

Error StreamWait::error(const char* operation) const {
  if (error_ != nullptr) return *error_;
  return fail(operation, "", ended_early(),
              ended_early() == ECONNABORTED ? "closed to make room for others" : "");
}

Step Stream::ReadBuffer::attempt() {
  Step step = Step::kDone;
  const auto got = read_once(into_, most_, step);
  if (!got) return step;
  got_ = *got;
  return Step::kDone;
}

Result<std::size_t> Stream::ReadBuffer::await_resume() {
  if (failed()) return error("receive");
  return got_;
}

Step Stream::ReadSpan::attempt() {
  Step step = Step::kDone;
  const auto got = read_once(into_, step);
  if (!got) return step;
  got_ = *got;
  return Step::kDone;
}

Result<std::size_t> Stream::ReadSpan::await_resume() {
  if (failed()) return error("receive");
  return got_;
}

Step Stream::Write::attempt() {
  Step step = Step::kDone;
  while (!left_.empty()) {
    const auto sent = write_once(left_, step);
    if (!sent) return step;
    left_ = left_.subspan(*sent);
  }
  return Step::kDone;
}

Result<void> Stream::Write::await_resume() {
  if (failed()) return error("send");
  return {};
}

}  // namespace plumb::runtime
