// SPDX-License-Identifier: Apache-2.0
// Certificates made for one test: an authority and what it signs, valid for an hour.
#pragma once

#include <memory>
#include <string>

#include "plumb/net/tls.h"

namespace plumb::test {

class Authority {
 public:
  Authority();
  ~Authority();

  std::string root_pem() const;
  // A certificate for a host name or an IP address.
  runtime::TlsCertificate sign(const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plumb::test
