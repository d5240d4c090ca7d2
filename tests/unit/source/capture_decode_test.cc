// SPDX-License-Identifier: Apache-2.0
#include "detect/source/capture_decode.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "detect/source/bpf/capture_abi.h"

namespace plumb::detect {
namespace {

std::vector<std::byte> record(const capture_event& event, std::string_view data) {
  std::vector<std::byte> bytes(sizeof event + data.size());
  std::memcpy(bytes.data(), &event, sizeof event);
  std::memcpy(bytes.data() + sizeof event, data.data(), data.size());
  return bytes;
}

capture_event data_event(std::uint32_t front, std::uint32_t tail, std::uint64_t total) {
  capture_event event{};
  event.what = CAPTURE_DATA;
  event.front = front;
  event.tail = tail;
  event.total = total;
  event.bits = CAPTURE_SENT | CAPTURE_CALLED;
  event.remote_port = 80;
  return event;
}

TEST(CaptureRecords, AFrontAndATail) {
  const auto piece = decode_capture(record(data_event(3, 2, 100), "GETok"));
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->front, "GET");
  EXPECT_EQ(piece->tail, "ok");
  EXPECT_EQ(piece->total, 100u);
  EXPECT_TRUE(piece->sent);
  EXPECT_TRUE(piece->called);
  EXPECT_FALSE(piece->late);
  EXPECT_EQ(piece->remote.port, 80);
}

TEST(CaptureRecords, WhatMakesNoSenseIsNone) {
  EXPECT_FALSE(decode_capture({}));
  EXPECT_FALSE(decode_capture(record(data_event(3, 2, 100), "GET")));  // shorter than it says
  EXPECT_FALSE(decode_capture(record(data_event(3, 2, 4), "GETok")));  // more than there was
  auto event = data_event(0, 0, 0);
  event.what = 99;
  EXPECT_FALSE(decode_capture(record(event, "")));
}

}  // namespace
}  // namespace plumb::detect
