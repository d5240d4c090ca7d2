// SPDX-License-Identifier: Apache-2.0
// A bounded interpreter of DWARF expressions in call frame information.
#include "detect/symbol/dwarf_expression.h"

#include <dwarf.h>

#include <array>

#include "detect/symbol/byte_reader.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostOperations = 64;
constexpr std::size_t kMostValues = 64;

class Machine {
 public:
  Machine(std::span<const std::byte> expression, const Registers& registers,
          const StackCopy& stack) noexcept
      : code_(expression), registers_(registers), stack_(stack) {}

  void push(std::uint64_t value) noexcept {
    if (depth_ == kMostValues) {
      failed_ = true;
      return;
    }
    values_[depth_++] = value;
  }

  std::optional<std::uint64_t> run() noexcept {
    for (std::size_t count = 0; !code_.at_end(); ++count) {
      if (count == kMostOperations) return std::nullopt;
      step(code_.read<std::uint8_t>());
      if (failed_ || !code_.ok()) return std::nullopt;
    }
    if (depth_ == 0) return std::nullopt;
    return values_[depth_ - 1];
  }

 private:
  std::uint64_t pop() noexcept {
    if (depth_ == 0) {
      failed_ = true;
      return 0;
    }
    return values_[--depth_];
  }

  void push_known(std::optional<std::uint64_t> value, std::uint64_t offset = 0) noexcept {
    if (!value) {
      failed_ = true;
      return;
    }
    push(*value + offset);
  }

  void branch(std::int16_t distance) noexcept {
    code_.seek(code_.position() + static_cast<std::size_t>(std::int64_t{distance}));
  }

  void step(std::uint8_t operation) noexcept {
    if (operation >= DW_OP_lit0 && operation <= DW_OP_lit31) {
      push(operation - std::uint64_t{DW_OP_lit0});
    } else if (operation >= DW_OP_breg0 && operation <= DW_OP_breg31) {
      const auto offset = static_cast<std::uint64_t>(code_.sleb());
      push_known(registers_.get(std::size_t{operation} - DW_OP_breg0), offset);
    } else if (!constant(operation) && !unary(operation)) {
      binary(operation);
    }
  }

  bool constant(std::uint8_t operation) noexcept {
    switch (operation) {
      case DW_OP_const1u:
        push(code_.read<std::uint8_t>());
        return true;
      case DW_OP_const1s:
        push(sign_extended(code_.read<std::int8_t>()));
        return true;
      case DW_OP_const2u:
        push(code_.read<std::uint16_t>());
        return true;
      case DW_OP_const2s:
        push(sign_extended(code_.read<std::int16_t>()));
        return true;
      case DW_OP_const4u:
        push(code_.read<std::uint32_t>());
        return true;
      case DW_OP_const4s:
        push(sign_extended(code_.read<std::int32_t>()));
        return true;
      case DW_OP_const8u:
      case DW_OP_const8s:
        push(code_.read<std::uint64_t>());
        return true;
      case DW_OP_constu:
        push(code_.uleb());
        return true;
      case DW_OP_consts:
        push(sign_extended(code_.sleb()));
        return true;
      case DW_OP_bregx: {
        const std::uint64_t which = code_.uleb();
        const auto offset = static_cast<std::uint64_t>(code_.sleb());
        push_known(registers_.get(static_cast<std::size_t>(which)), offset);
        return true;
      }
      case DW_OP_skip:
        branch(code_.read<std::int16_t>());
        return true;
      case DW_OP_bra: {
        const auto distance = code_.read<std::int16_t>();
        if (pop() != 0) branch(distance);
        return true;
      }
      default:
        return false;
    }
  }

  bool unary(std::uint8_t operation) noexcept {
    switch (operation) {
      case DW_OP_deref:
        push_known(stack_.word(pop()));
        return true;
      case DW_OP_dup:
        peek(0);
        return true;
      case DW_OP_over:
        peek(1);
        return true;
      case DW_OP_pick:
        peek(code_.read<std::uint8_t>());
        return true;
      case DW_OP_drop:
        pop();
        return true;
      case DW_OP_neg:
        push(0 - pop());
        return true;
      case DW_OP_not:
        push(~pop());
        return true;
      case DW_OP_plus_uconst:
        push(pop() + code_.uleb());
        return true;
      case DW_OP_nop:
        return true;
      default:
        return false;
    }
  }

  void binary(std::uint8_t operation) noexcept {
    const std::uint64_t right = pop();
    const std::uint64_t left = pop();
    const auto signed_left = static_cast<std::int64_t>(left);
    const auto signed_right = static_cast<std::int64_t>(right);
    switch (operation) {
      case DW_OP_plus:
        push(left + right);
        break;
      case DW_OP_minus:
        push(left - right);
        break;
      case DW_OP_mul:
        push(left * right);
        break;
      case DW_OP_and:
        push(left & right);
        break;
      case DW_OP_or:
        push(left | right);
        break;
      case DW_OP_xor:
        push(left ^ right);
        break;
      case DW_OP_shl:
        push(right < 64 ? left << right : 0);
        break;
      case DW_OP_shr:
        push(right < 64 ? left >> right : 0);
        break;
      case DW_OP_shra:
        push(static_cast<std::uint64_t>(signed_left >> (right < 64 ? right : 63)));
        break;
      case DW_OP_eq:
        push(left == right ? 1 : 0);
        break;
      case DW_OP_ne:
        push(left != right ? 1 : 0);
        break;
      case DW_OP_ge:
        push(signed_left >= signed_right ? 1 : 0);
        break;
      case DW_OP_gt:
        push(signed_left > signed_right ? 1 : 0);
        break;
      case DW_OP_le:
        push(signed_left <= signed_right ? 1 : 0);
        break;
      case DW_OP_lt:
        push(signed_left < signed_right ? 1 : 0);
        break;
      case DW_OP_swap:
        push(right);
        push(left);
        break;
      default:
        failed_ = true;
    }
  }

  void peek(std::size_t from_top) noexcept {
    if (from_top >= depth_) {
      failed_ = true;
      return;
    }
    push(values_[depth_ - 1 - from_top]);
  }

  static std::uint64_t sign_extended(std::int64_t value) noexcept {
    return static_cast<std::uint64_t>(value);
  }

  ByteReader code_;
  const Registers& registers_;
  const StackCopy& stack_;
  std::array<std::uint64_t, kMostValues> values_{};
  std::size_t depth_ = 0;
  bool failed_ = false;
};

}  // namespace

std::optional<std::uint64_t> evaluate(std::span<const std::byte> expression,
                                      const Registers& registers, const StackCopy& stack,
                                      std::optional<std::uint64_t> pushed) noexcept {
  Machine machine(expression, registers, stack);
  if (pushed) machine.push(*pushed);
  return machine.run();
}

}  // namespace plumb::detect
