// SPDX-License-Identifier: Apache-2.0
// What the factory can play. Each prints JSON lines, the last of them {"ready":true}, and holds
// everything until its stdin ends. Each returns the exit status.
#pragma once

#include <cstddef>
#include <string>

namespace plumb::factory {

// Every kind of descriptor once.
int play_kinds();
// `descriptors` in all, in as many processes as the limit of open files demands.
int play_load(std::size_t descriptors);
// A program that starts a child over a socketpair, again and again, and never ends one.
int play_editor(std::size_t children);
// What play_editor's children are: a reader of stdin that hears nothing.
int play_curl();
// Names that try to forge lines, colour terminals and break JSON: files, sockets, memory files,
// processes.
int play_hostile();
int play_hostile_child(const char* name);

// A directory of the factory's own in $TMPDIR, removed with what is in it.
class Workshop {
 public:
  Workshop();
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  ~Workshop();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// fork(2); the child dies with this process. Exits with a message where it fails.
int fork_child();

// Raises the soft limit of open files to the hard one and returns it.
std::size_t descriptor_limit();
// Sleeps until stdin ends.
void wait_for_end_of_input();

}  // namespace plumb::factory
