// SPDX-License-Identifier: Apache-2.0
// Database and Statement: the little of SQLite that recordings need, with errors as Results. What
// is opened for reading may come from anybody: it is opened read-only, without trust in its schema,
// with limits, and with a bound on how long a query may run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace plumb::detect {

// One query. It must not outlive its database. Threads: the database's.
class Statement {
 public:
  enum class Step { kRow, kDone, kFailed };

  void bind(int place, std::int64_t value);
  void bind_null(int place);
  void bind_text(int place, std::string_view text);  // copied
  void bind_bytes(int place, std::span<const std::byte> bytes);
  Step step();
  void reset();  // for the next step(); bindings stay

  // Of the row that step() came to. Views are good until the next step().
  bool is_null(int column) const;
  bool is_integer(int column) const;
  bool is_text(int column) const;
  bool is_bytes(int column) const;
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;
  std::span<const std::byte> bytes(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  // A new file, readable by its owner; an old one is replaced. `most_bytes` is all that it may ever
  // have. Errors: of open(2); EINVAL for a bound that holds nothing.
  static Result<Database> create(const std::string& path, std::uint64_t most_bytes);
  // For reading. The file must not change meanwhile. Errors: of open(2); EINVAL for what is no
  // SQLite database.
  static Result<Database> open(const std::string& path);
  // The same of a file's bytes, which are copied.
  static Result<Database> open_bytes(std::vector<std::byte> bytes);

  // Errors: EINVAL, EIO, and EFBIG where the database has reached its bound, with SQLite's words.
  Result<void> run(const std::string& sql);
  Result<Statement> prepare(const std::string& sql);
  // What SQLite says of the last failure.
  Error error(std::string operation) const;

  std::uint64_t bytes() const { return bytes_; }  // that the file had when it was opened
  bool cut() const { return cut_; }               // the file is shorter than it says
  // A small number of the header: "application_id", "user_version", "page_count", "page_size".
  std::int64_t pragma(std::string_view name);

 private:
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  Database(sqlite3* database, std::string path) : database_(database), path_(std::move(path)) {}
  void distrust();

  std::unique_ptr<sqlite3, Close> database_;
  std::string path_;
  std::uint64_t bytes_ = 0;
  bool cut_ = false;
  // Steps of SQLite's machine that are left to queries; shared with its progress handler.
  std::unique_ptr<std::int64_t> steps_left_;
};

}  // namespace plumb::detect
