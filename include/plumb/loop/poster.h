// SPDX-License-Identifier: Apache-2.0
// Poster: how another thread, or a destructor that outlived the loop, hands work to a loop. The
// classic leak here is a callback posted to a loop that has gone; a Poster is a share in the
// mailbox, not in the loop, and post() says whether anybody will read it.
//
// Threads: any. Order: calls posted by one thread run in their order.
#pragma once

#include <concepts>
#include <memory>
#include <utility>

namespace plumb::runtime {

// A call to be made once on the loop's thread; destroyed there too, or with the mailbox.
class Posted {
 public:
  virtual ~Posted() = default;
  virtual void run() = 0;
};

class Mailbox;

class Poster {
 public:
  // Gives false, and destroys `call` uncalled, when the loop has gone.
  template <std::invocable Call>
  bool post(Call call) const {
    struct Holder final : Posted {
      explicit Holder(Call given) : call(std::move(given)) {}
      void run() override { call(); }
      Call call;
    };
    return put(std::make_unique<Holder>(std::move(call)));
  }

 private:
  friend class Loop;
  explicit Poster(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}
  bool put(std::unique_ptr<Posted> call) const;

  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace plumb::runtime
