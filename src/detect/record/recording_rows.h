// SPDX-License-Identifier: Apache-2.0
// Reading the tables of a recording that may be damaged: from the front up to the damage, then from
// the back down to it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "detect/record/recording_columns.h"
#include "detect/record/recording_database.h"

namespace plumb::detect {

class RecordingRows {
 public:
  explicit RecordingRows(Database database) : database_(std::move(database)) {}

  // Gives `take` each row that makes sense, in the order of the key; what is missing is noted.
  // `take` returns false for a row that makes no sense beside the others.
  template <typename Row, typename Take>
  void read(Take&& take, TextPool* pool = nullptr) {
    std::uint64_t good = 0;
    std::uint64_t senseless = 0;
    const auto use = [&](const Statement& row) {
      Row value{};
      ReadColumns columns(row, texts_, pool);
      Table<Row>::columns(columns, value);
      if (columns.good() && take(std::move(value))) {
        ++good;
      } else {
        ++senseless;
      }
    };
    const ColumnNames columns = columns_of<Row>();
    const std::string selection =
        "SELECT " + columns.names + " FROM " + std::string(Table<Row>::kName) + " ORDER BY ";
    bool whole = scan(selection + std::string(Table<Row>::kKey), use);
    if (!whole) scan(selection + descending(Table<Row>::kKey), use);
    note(Table<Row>::kName, whole, good, senseless);
  }

  // How many rows the file says that each table has.
  void expect(const std::string& name, std::uint64_t rows) { expected_[name] = rows; }
  void set_texts(std::vector<std::string> texts) {
    texts_ = TextsByNumber(std::move(texts), most_output());
  }
  std::vector<std::string>& missing() { return missing_; }
  Database& database() { return database_; }
  // How much a report of it may come to, in bytes: a sound one stays far below.
  std::uint64_t most_output() const { return kLeastOutput + 16 * database_.bytes(); }
  // No table of a file can have more rows.
  std::uint64_t most_rows() const { return database_.bytes() / 4 + 16; }

 private:
  static constexpr std::uint64_t kLeastOutput = 64 * 1024 * 1024;

  // False where it ended in an error.
  template <typename Use>
  bool scan(const std::string& query, Use&& use) {
    auto selected = database_.prepare(query);
    if (!selected) return false;
    for (std::uint64_t left = most_rows(); left > 0; --left) {
      const Statement::Step step = selected->step();
      if (step == Statement::Step::kDone) return true;
      if (step == Statement::Step::kFailed) return false;
      use(*selected);
    }
    return false;
  }
  static std::string descending(std::string_view key);
  void note(std::string_view table, bool whole, std::uint64_t good, std::uint64_t senseless);

  Database database_;
  TextsByNumber texts_;
  std::map<std::string, std::uint64_t, std::less<>> expected_;
  std::vector<std::string> missing_;
};

}  // namespace plumb::detect
