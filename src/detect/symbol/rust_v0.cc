// SPDX-License-Identifier: Apache-2.0
// Rust's v0 symbol names, after the grammar of Rust RFC 2603. Bounded in depth, in output and,
// because back-references can repeat work, in steps.
#include <array>
#include <charconv>
#include <cstdint>

#include "detect/symbol/demangle.h"
#include "detect/symbol/punycode.h"
#include "detect/symbol/utf8.h"

namespace plumb::detect {
namespace {

constexpr int kDeepest = 128;
constexpr int kMostSteps = 20000;
constexpr std::uint64_t kMostLifetimes = 64;

// Basic types by their letter, 'a' to 'z'; empty where there is none.
constexpr std::array<std::string_view, 26> kBasic{
    "i8",   "bool", "char", "f64", "str", "f32", "",    "u8", "isize", "usize", "",    "i32", "u32",
    "i128", "u128", "_",    "",    "",    "i16", "u16", "()", "...",   "",      "i64", "u64", "!"};

class V0 {
 public:
  explicit V0(std::string_view text) : text_(text) {}

  std::optional<std::string> run() {
    if (!path(kInValue)) return std::nullopt;
    // The crate that instantiated a generic function may follow; it is not printed.
    if (at_ < text_.size() && text_[at_] != '.') {
      silent_ = true;
      if (!path(kInValue)) return std::nullopt;
    }
    if (at_ < text_.size() && text_[at_] != '.') return std::nullopt;
    return std::move(out_);
  }

 private:
  enum Position { kInValue, kInType };

  struct Identifier {
    std::uint64_t disambiguator = 0;
    std::string name;
  };

  // Counts a step down and takes it back at the end of the scope.
  class Descent {
   public:
    explicit Descent(V0& owner) : owner_(owner) { ++owner_.depth_; }
    ~Descent() { --owner_.depth_; }
    Descent(const Descent&) = delete;
    Descent& operator=(const Descent&) = delete;
    bool allowed() { return owner_.depth_ <= kDeepest && ++owner_.steps_ <= kMostSteps; }

   private:
    V0& owner_;
  };

  bool put(std::string_view text) {
    if (silent_) return true;
    if (out_.size() + text.size() > kLongestDemangled) return false;
    out_ += text;
    return true;
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char next() { return at_ < text_.size() ? text_[at_++] : '\0'; }
  bool eat(char letter) {
    if (peek() != letter || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  // "_" is 0; digits, small and capital letters count 0 to 61, and the value is one more.
  std::optional<std::uint64_t> base62() {
    if (eat('_')) return 0;
    std::uint64_t value = 0;
    for (;;) {
      const char letter = next();
      std::uint64_t digit = 0;
      if (letter >= '0' && letter <= '9') {
        digit = static_cast<std::uint64_t>(letter - '0');
      } else if (letter >= 'a' && letter <= 'z') {
        digit = static_cast<std::uint64_t>(letter - 'a') + 10;
      } else if (letter >= 'A' && letter <= 'Z') {
        digit = static_cast<std::uint64_t>(letter - 'A') + 36;
      } else if (letter == '_') {
        return value < ~std::uint64_t{0} ? std::optional(value + 1) : std::nullopt;
      } else {
        return std::nullopt;
      }
      if (value > (~std::uint64_t{0} - digit) / 62) return std::nullopt;
      value = value * 62 + digit;
    }
  }

  std::optional<std::uint64_t> tagged62(char tag) {
    if (!eat(tag)) return 0;
    const auto value = base62();
    if (!value || *value == ~std::uint64_t{0}) return std::nullopt;
    return *value + 1;
  }

  std::optional<std::string> plain_identifier() {
    const bool unicode = eat('u');
    std::size_t length = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), length);
    if (error != std::errc{}) return std::nullopt;
    // A leading zero is the whole number: what follows is the next name's length.
    const bool zero = peek() == '0';
    at_ = zero ? at_ + 1 : static_cast<std::size_t>(end - text_.data());
    if (zero) length = 0;
    eat('_');
    if (length > text_.size() - at_) return std::nullopt;
    const std::string_view name = text_.substr(at_, length);
    at_ += length;
    if (!unicode) return std::string(name);
    const auto split = name.rfind('_');
    if (split == std::string_view::npos) return decode_punycode("", name);
    return decode_punycode(name.substr(0, split), name.substr(split + 1));
  }

  std::optional<Identifier> identifier() {
    const auto disambiguator = tagged62('s');
    if (!disambiguator) return std::nullopt;
    auto name = plain_identifier();
    if (!name) return std::nullopt;
    return Identifier{*disambiguator, *std::move(name)};
  }

  // Goes on at an earlier place, and comes back.
  template <typename Parse>
  bool back_reference(Parse parse) {
    const std::size_t from = at_ - 1;
    const auto target = base62();
    if (!target || *target >= from) return false;
    if (silent_) return true;
    const std::size_t resume = at_;
    at_ = *target;
    const bool good = parse();
    at_ = resume;
    return good;
  }

  bool path(Position position) {
    Descent descent(*this);
    if (!descent.allowed()) return false;
    switch (next()) {
      case 'C': {
        const auto crate = identifier();
        return crate && put(crate->name);
      }
      case 'N':
        return nested(position);
      case 'M':
        return impl_path() && put("<") && type() && put(">");
      case 'X':
        return impl_path() && put("<") && type() && put(" as ") && path(kInType) && put(">");
      case 'Y':
        return put("<") && type() && put(" as ") && path(kInType) && put(">");
      case 'I': {
        if (!path(position) || !put(position == kInValue ? "::<" : "<")) return false;
        return list([this] { return generic_argument(); }) && put(">");
      }
      case 'B':
        return back_reference([this, position] { return path(position); });
      default:
        return false;
    }
  }

  bool impl_path() {
    if (!tagged62('s')) return false;
    const bool was = silent_;
    silent_ = true;
    const bool good = path(kInValue);
    silent_ = was;
    return good;
  }

  bool nested(Position position) {
    const char space = next();
    if (!path(position)) return false;
    const auto name = identifier();
    if (!name) return false;
    if (space >= 'a' && space <= 'z') {
      return name->name.empty() || (put("::") && put(name->name));
    }
    if (space < 'A' || space > 'Z') return false;
    if (!put("::{")) return false;
    const std::string label = space == 'C'   ? "closure"
                              : space == 'S' ? "shim"
                                             : std::string(1, space);
    if (!put(label)) return false;
    if (!name->name.empty() && !(put(":") && put(name->name))) return false;
    return put("#") && put(std::to_string(name->disambiguator)) && put("}");
  }

  // Elements up to "E", with commas between them.
  template <typename Element>
  bool list(Element element) {
    for (bool first = true; !eat('E'); first = false) {
      if (++steps_ > kMostSteps || at_ >= text_.size()) return false;
      if (!first && !put(", ")) return false;
      if (!element()) return false;
    }
    return true;
  }

  bool generic_argument() {
    if (eat('L')) {
      const auto index = base62();
      return index && lifetime(*index);
    }
    if (eat('K')) return constant();
    return type();
  }

  // 0 is erased; otherwise counted from the innermost binder outwards.
  bool lifetime(std::uint64_t index) {
    if (index == 0) return put("'_");
    if (index > lifetimes_) return false;
    const std::uint64_t number = lifetimes_ - index;
    if (number < 26) return put("'") && put(std::string(1, static_cast<char>('a' + number)));
    return put("'_") && put(std::to_string(number));
  }

  // Prints "for<'a, 'b> " and runs `body` with those lifetimes in scope.
  template <typename Body>
  bool binder(Body body) {
    const auto count = tagged62('G');
    if (!count || *count > kMostLifetimes) return false;
    const std::uint64_t before = lifetimes_;
    if (*count > 0) {
      if (!put("for<")) return false;
      for (std::uint64_t index = 0; index < *count; ++index) {
        ++lifetimes_;
        if ((index > 0 && !put(", ")) || !lifetime(1)) return false;
      }
      if (!put("> ")) return false;
    }
    const bool good = body();
    lifetimes_ = before;
    return good;
  }

  bool type() {
    Descent descent(*this);
    if (!descent.allowed()) return false;
    const char tag = next();
    if (tag >= 'a' && tag <= 'z') {
      const std::string_view name = kBasic[static_cast<std::size_t>(tag - 'a')];
      return !name.empty() && put(name);
    }
    switch (tag) {
      case 'A':
        return put("[") && type() && put("; ") && constant() && put("]");
      case 'S':
        return put("[") && type() && put("]");
      case 'T':
        return tuple();
      case 'R':
        return reference("&");
      case 'Q':
        return reference("&mut ");
      case 'P':
        return put("*const ") && type();
      case 'O':
        return put("*mut ") && type();
      case 'F':
        return binder([this] { return function(); });
      case 'D':
        return dyn();
      case 'B':
        return back_reference([this] { return type(); });
      default:
        --at_;
        return path(kInType);
    }
  }

  bool tuple() {
    std::size_t count = 0;
    if (!put("(") || !list([this, &count] {
          ++count;
          return type();
        })) {
      return false;
    }
    return put(count == 1 ? ",)" : ")");
  }

  bool reference(std::string_view sigil) {
    if (!put("&")) return false;
    if (eat('L')) {
      const auto index = base62();
      if (!index) return false;
      if (*index != 0 && !(lifetime(*index) && put(" "))) return false;
    }
    return put(sigil.substr(1)) && type();
  }

  bool function() {
    if (eat('U') && !put("unsafe ")) return false;
    if (eat('K')) {
      std::string abi = "C";
      if (!eat('C')) {
        auto name = plain_identifier();
        if (!name) return false;
        abi = *std::move(name);
        for (char& letter : abi) letter = letter == '_' ? '-' : letter;
      }
      if (!(put("extern \"") && put(abi) && put("\" "))) return false;
    }
    if (!(put("fn(") && list([this] { return type(); }) && put(")"))) return false;
    if (eat('u')) return true;  // returns ()
    return put(" -> ") && type();
  }

  bool dyn() {
    if (!put("dyn ")) return false;
    const bool traits = binder([this] {
      for (bool first = true; !eat('E'); first = false) {
        if (at_ >= text_.size() || (!first && !put(" + ")) || !dyn_trait()) return false;
      }
      return true;
    });
    if (!traits || !eat('L')) return false;
    const auto index = base62();
    if (!index) return false;
    return *index == 0 || (put(" + ") && lifetime(*index));
  }

  // Trait<Args, Name = Type>: the bindings share the brackets of the path's own arguments.
  bool dyn_trait() {
    const std::size_t start = out_.size();
    if (!path(kInType)) return false;
    bool open = out_.size() > start && out_.back() == '>' && text_[at_ - 1] == 'E';
    if (open && peek() == 'p' && !silent_) out_.pop_back();
    bool any = false;
    while (eat('p')) {
      const auto name = plain_identifier();
      if (!name || !put(any || open ? ", " : "<")) return false;
      if (!(put(*name) && put(" = ") && type())) return false;
      any = true;
    }
    return !any || put(">");
  }

  bool constant() {
    Descent descent(*this);
    if (!descent.allowed()) return false;
    const char tag = next();
    if (tag == 'p') return put("_");
    if (tag == 'B') return back_reference([this] { return constant(); });
    const bool negative = eat('n');
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] != '_') ++at_;
    const std::string_view digits = text_.substr(start, at_ - start);
    if (!eat('_')) return false;
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (!digits.empty() && end != digits.data() + digits.size()) return false;
    if (tag == 'b' && value <= 1) return put(value == 1 ? "true" : "false");
    if (tag == 'c') {
      std::string letter;
      if (value > 0x10ffff || !append_utf8(static_cast<std::uint32_t>(value), letter)) return false;
      return put("'") && put(letter) && put("'");
    }
    if (std::string_view("ahijlmnostxy").find(tag) == std::string_view::npos) return false;
    if (negative && !put("-")) return false;
    if (error == std::errc::result_out_of_range) return put("0x") && put(digits);
    return put(std::to_string(value));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  bool silent_ = false;
  int depth_ = 0;
  int steps_ = 0;
  std::uint64_t lifetimes_ = 0;
};

}  // namespace

std::optional<std::string> demangle_rust_v0(std::string_view symbol) {
  if (symbol.size() > kLongestMangled || !symbol.starts_with("_R")) return std::nullopt;
  return V0(symbol.substr(2)).run();
}

}  // namespace plumb::detect
