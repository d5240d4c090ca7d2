// SPDX-License-Identifier: Apache-2.0
// Opening databases, and running statements.
#include "detect/record/recording_database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "plumb/base/unique_fd.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kHeader = 100;
constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::size_t kPageSizeAt = 16;  // two bytes; places of https://sqlite.org/fileformat.html
constexpr std::size_t kVersionsAt = 18;  // 2 for a write-ahead log, 1 for none
constexpr std::size_t kPagesAt = 28;     // four bytes
constexpr std::int64_t kPageBytes = 4096;
constexpr std::uint64_t kMostRead = std::uint64_t{1} << 31U;  // of a cut file, which goes to memory
constexpr std::uint64_t kLeastPadding = 1 << 20;
constexpr int kLongest = 1 << 20;  // of one text
constexpr int kProgress = 1000;    // steps between two looks
// A row takes some 30 steps and at least 4 bytes; what needs more runs in circles.
constexpr std::int64_t kStepsAByte = 32;
constexpr std::int64_t kFewestSteps = 1'000'000;

std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value = value << 8U | std::to_integer<std::uint32_t>(bytes[at + i]);
  }
  return value;
}

std::uint64_t page_size_of(std::span<const std::byte> header) {
  const std::uint32_t size = number_at(header, kPageSizeAt, 2);
  return size == 1 ? 65536 : size;
}

bool is_database(std::span<const std::byte> header) {
  if (header.size() < kHeader) return false;
  if (std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0) return false;
  const std::uint64_t page = page_size_of(header);
  return page >= 512 && (page & (page - 1)) == 0;
}

// Whether there are fewer bytes than the header counts pages.
bool is_cut(std::span<const std::byte> header, std::uint64_t bytes) {
  return number_at(header, kPagesAt, 4) * page_size_of(header) > bytes;
}

Error no_database(const std::string& path) {
  return fail("read", path, EINVAL, "it is no recording of plumb, or its beginning is damaged");
}

Result<std::vector<std::byte>> read_bytes(int file, std::uint64_t size, const std::string& path) {
  std::vector<std::byte> bytes(size);
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got =
        ::pread(file, bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("read", path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

// A file name as a URI takes it.
std::string uri_of(const std::string& path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || c == '/' || c == '.' || c == '-' || c == '_';
    if (plain) {
      uri += c;
    } else {
      uri += '%';
      uri += kHex[byte >> 4U];
      uri += kHex[byte & 15U];
    }
  }
  return uri + "?immutable=1";
}

int count_down(void* steps_left) {
  return (*static_cast<std::int64_t*>(steps_left) -= kProgress) < 0;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

void Statement::bind(int place, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), place, value);
}

void Statement::bind_null(int place) {
  sqlite3_bind_null(statement_.get(), place);
}

void Statement::bind_text(int place, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), place, text.data() == nullptr ? "" : text.data(),
                      text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::bind_bytes(int place, std::span<const std::byte> bytes) {
  if (bytes.empty()) {
    sqlite3_bind_zeroblob(statement_.get(), place, 0);
  } else {
    sqlite3_bind_blob64(statement_.get(), place, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  }
}

Statement::Step Statement::step() {
  const int code = sqlite3_step(statement_.get());
  return code == SQLITE_ROW ? Step::kRow : code == SQLITE_DONE ? Step::kDone : Step::kFailed;
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

bool Statement::is_integer(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_INTEGER;
}

bool Statement::is_text(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_TEXT;
}

bool Statement::is_bytes(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_BLOB;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* text = sqlite3_column_text(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (text == nullptr || size <= 0) return {};
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)};
}

std::span<const std::byte> Statement::bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr || size <= 0) return {};
  return {static_cast<const std::byte*>(bytes), static_cast<std::size_t>(size)};
}

void Database::Close::operator()(sqlite3* database) const noexcept {
  sqlite3_close(database);
}

Result<Database> Database::create(const std::string& path, std::uint64_t most_bytes) {
  const auto pages = static_cast<std::int64_t>(
      std::min<std::uint64_t>(most_bytes / kPageBytes, std::numeric_limits<std::int32_t>::max()));
  if (pages < 1) return fail("create", path, EINVAL, "there is no room for a single page");
  // What stands there is emptied, not unlinked: it may be a name that a script made for us.
  auto file = UniqueFd::open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (!file) return std::move(file).error();
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  Database database(opened, path);
  if (code != SQLITE_OK) return database.error("create");
  for (const std::string& setting :
       {"PRAGMA page_size=" + std::to_string(kPageBytes), std::string("PRAGMA journal_mode=DELETE"),
        "PRAGMA max_page_count=" + std::to_string(pages)}) {
    if (auto done = database.run(setting); !done) return std::move(done).error();
  }
  return database;
}

Result<Database> Database::open(const std::string& path) {
  auto file = UniqueFd::open(path, O_RDONLY | O_NONBLOCK);
  if (!file) return std::move(file).error();
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return fail("read", path, errno);
  if (!S_ISREG(status.st_mode)) return fail("read", path, EINVAL, "it is no file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  auto header = read_bytes(file->get(), std::min<std::uint64_t>(size, kHeader), path);
  if (!header) return std::move(header).error();
  if (!is_database(*header)) return no_database(path);
  if (is_cut(*header, size)) {
    auto all = read_bytes(file->get(), std::min(size, kMostRead), path);
    if (!all) return std::move(all).error();
    auto database = open_bytes(*std::move(all));
    if (database) database->path_ = path;
    return database;
  }
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(uri_of(path).c_str(), &opened,
                                   SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
  Database database(opened, path);
  if (code != SQLITE_OK) return database.error("read");
  database.bytes_ = size;
  database.distrust();
  return database;
}

Result<Database> Database::open_bytes(std::vector<std::byte> bytes) {
  const std::string path = "the recording";
  if (!is_database(bytes)) return no_database(path);
  const bool cut = is_cut(bytes, bytes.size());
  const std::uint64_t have = bytes.size();
  if (cut) {
    // SQLite wants the first page of each table to be there, and fails at a page of zeros only when
    // that is read.
    const std::uint64_t said = number_at(bytes, kPagesAt, 4) * page_size_of(bytes);
    const std::uint64_t padded = std::min(said, 4 * have + kLeastPadding);
    const std::uint64_t pages = padded / page_size_of(bytes);
    for (std::size_t i = 0; i < 4; ++i) {
      bytes[kPagesAt + i] = static_cast<std::byte>(pages >> (8U * (3U - i)));
    }
    bytes.resize(pages * page_size_of(bytes));
  }
  bytes[kVersionsAt] = bytes[kVersionsAt + 1] = std::byte{1};  // memory has no log beside it
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(":memory:", &opened, SQLITE_OPEN_READWRITE, nullptr);
  Database database(opened, path);
  if (code != SQLITE_OK) return database.error("read");
  auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(bytes.size()));
  if (copy == nullptr) return fail("read", path, ENOMEM);
  std::memcpy(copy, bytes.data(), bytes.size());
  const auto size = static_cast<std::int64_t>(bytes.size());
  const int taken =
      sqlite3_deserialize(opened, "main", copy, size, size,
                          SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY);
  if (taken != SQLITE_OK) return database.error("read");
  database.bytes_ = have;
  database.cut_ = cut;
  database.distrust();
  return database;
}

void Database::distrust() {
  sqlite3* const database = database_.get();
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  constexpr std::array<std::pair<int, int>, 7> kLimits{{{SQLITE_LIMIT_LENGTH, kLongest},
                                                        {SQLITE_LIMIT_SQL_LENGTH, 16384},
                                                        {SQLITE_LIMIT_COLUMN, 64},
                                                        {SQLITE_LIMIT_EXPR_DEPTH, 20},
                                                        {SQLITE_LIMIT_VDBE_OP, 25'000},
                                                        {SQLITE_LIMIT_ATTACHED, 0},
                                                        {SQLITE_LIMIT_WORKER_THREADS, 0}}};
  for (const auto& [limit, value] : kLimits) sqlite3_limit(database, limit, value);
  steps_left_ = std::make_unique<std::int64_t>(
      kFewestSteps +
      kStepsAByte * static_cast<std::int64_t>(std::min(bytes_, std::uint64_t{1} << 48U)));
  sqlite3_progress_handler(database, kProgress, count_down, steps_left_.get());
}

Result<void> Database::run(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return error("write");
}

Result<Statement> Database::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(database_.get(), sql.c_str(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  if (code != SQLITE_OK || statement == nullptr) return error("read");
  return Statement(statement);
}

Error Database::error(std::string operation) const {
  if (!database_) return fail(std::move(operation), path_, ENOMEM);
  const int code = sqlite3_errcode(database_.get());
  const int system = sqlite3_system_errno(database_.get());
  const int number = code == SQLITE_FULL ? EFBIG : code == SQLITE_CANTOPEN ? system : EIO;
  return fail(std::move(operation), path_, number, sqlite3_errmsg(database_.get()));
}

std::int64_t Database::pragma(std::string_view name) {
  auto statement = prepare("PRAGMA " + std::string(name));
  if (!statement || statement->step() != Statement::Step::kRow) return 0;
  return statement->integer(0);
}

}  // namespace plumb::detect
