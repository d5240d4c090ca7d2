// SPDX-License-Identifier: Apache-2.0
// Reading command lines.
#include "detect/model/command.h"

#include "plumb/base/text.h"

namespace plumb::detect {

std::string_view program_of(const Survey& survey, const Process& process) {
  std::string_view rest = survey.texts.at(process.command_line);
  std::string_view first = take_until(rest, '\0');
  const auto end = first.find(' ');  // programs that write a title over it: "postgres: writer"
  if (end != std::string_view::npos) first = first.substr(0, end);
  if (first.ends_with(':')) first.remove_suffix(1);
  if (const auto slash = first.rfind('/'); slash != std::string_view::npos) {
    first.remove_prefix(slash + 1);
  }
  if (first.starts_with('-')) first.remove_prefix(1);
  return first;
}

std::string command_of(const Survey& survey, const Process& process) {
  std::string_view line = survey.texts.at(process.command_line);
  while (line.ends_with('\0')) line.remove_suffix(1);
  if (line.empty()) {
    std::string name = "[";
    name.append(survey.texts.at(process.name)).append("]");
    return process.state == RunState{'Z'} ? name + " zombie" : name;
  }
  std::string command;
  command.reserve(line.size());
  std::string_view first = line.substr(0, line.find('\0'));
  line.remove_prefix(first.size());
  const auto blank = first.find(' ');  // only the program's path is shortened, not a title
  const auto slash = first.substr(0, blank).rfind('/');
  if (first.starts_with('/') && slash != std::string_view::npos) first.remove_prefix(slash + 1);
  command.append(first);
  for (const char c : line) command.push_back(c == '\0' ? ' ' : c);
  return command;
}

std::string command_pattern(std::string_view command) {
  std::string pattern;
  pattern.reserve(command.size());
  for (const char c : command) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) {
      pattern.push_back(c);
    } else if (!pattern.ends_with('#')) {
      pattern.push_back('#');
    }
  }
  return pattern;
}

}  // namespace plumb::detect
