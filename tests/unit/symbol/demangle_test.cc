// SPDX-License-Identifier: Apache-2.0
#include "detect/symbol/demangle.h"

#include <gtest/gtest.h>

#include "detect/symbol/go_table.h"
#include "detect/symbol/punycode.h"

namespace plumb::detect {
namespace {

TEST(Demangle, ReadsCxxAndLeavesOtherNamesAlone) {
  EXPECT_EQ(demangle("_ZNSt6vectorIiSaIiEE9push_backERKi"),
            "std::vector<int, std::allocator<int> >::push_back(int const&)");
  EXPECT_EQ(demangle("main"), "main");
  EXPECT_EQ(demangle(""), "");
  EXPECT_EQ(demangle("_Znwm@plt"), "operator new(unsigned long)@plt");
  EXPECT_EQ(demangle("memcpy@GLIBC_2.14"), "memcpy@GLIBC_2.14");
  EXPECT_EQ(demangle("os_open.lto_priv.0"), "os_open");
  EXPECT_EQ(demangle("serve.constprop.0.isra.0"), "serve");
  EXPECT_EQ(demangle("_ZN4shop4openEv.cold"), "shop::open()");
  EXPECT_EQ(demangle(".cold"), ".cold");
  EXPECT_EQ(demangle("_ZNot mangled"), "_ZNot mangled");
}

TEST(Demangle, PrintsWhatIsTooLongAsItIs) {
  const std::string endless = "_Z" + std::string(kLongestMangled, '1');
  EXPECT_EQ(demangle(endless), endless);
}

TEST(RustLegacy, LosesTheHashAndDecodesEscapes) {
  EXPECT_EQ(demangle("_ZN3std2io5stdio6_print17h0123456789abcdefE"), "std::io::stdio::_print");
  EXPECT_EQ(demangle("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$"
                     "3bar17h930b740aa94f1d3aE"),
            "<Test + 'static as foo::Bar<Test>>::bar");
  EXPECT_EQ(demangle("_ZN4core3ptr13drop_in_place17habcdefabcdefabcdE.llvm.123"),
            "core::ptr::drop_in_place");
}

TEST(RustLegacy, IsNotMistakenForCxx) {
  EXPECT_FALSE(demangle_rust_legacy("_ZN3foo3barEv"));
  EXPECT_FALSE(demangle_rust_legacy("_ZN3foo17h0123456789abcdeEE"));
  EXPECT_FALSE(demangle_rust_legacy("_ZN99foo17h0123456789abcdefE"));
  EXPECT_FALSE(demangle_rust_legacy("_ZN17h0123456789abcdefE"));
}

struct V0Case {
  const char* mangled;
  const char* readable;
};

// Names after RFC 2603 and as rustc 1.9x prints them.
const V0Case kV0Cases[] = {
    {"_RNvC6_123foo3bar", "123foo::bar"},
    {"_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y",
     "utf8_idents::საჭმელად_გემრიელი_სადილი"},
    {"_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_", "cc::spawn::{closure#0}::{closure#0}"},
    {"_RNCINkXs25_NgCsbmNqQUJIY6D_4core5sliceINyB9_4IterhENuNgNoBb_"
     "4iter8iterator8Iterator9rpositionNCNgNpB9_6memchr7memrchrs_0E0Bb_",
     "<core::slice::Iter<u8> as core::iter::iterator::Iterator>::rposition::<core::slice::memchr::"
     "memrchr::{closure#1}>::{closure#0}"},
    {"_RINbNbCskIICzLVDPPb_5alloc5alloc8box_freeDINbNiB4_5boxed5FnBoxuEp6OutputuEL_ECs1iopQbuBiw2_"
     "3std",
     "alloc::alloc::box_free::<dyn alloc::boxed::FnBox<(), Output = ()>>"},
    {"_RMC0INtC8arrayvec8ArrayVechKj7b_E", "<arrayvec::ArrayVec<u8, 123>>"},
    {"_RMCs4fqI2P2rA04_13const_genericINtB0_8UnsignedKhb_E", "<const_generic::Unsigned<11>>"},
    {"_RMCs4fqI2P2rA04_13const_genericINtB0_6SignedKsn98_E", "<const_generic::Signed<-152>>"},
    {"_RMCs4fqI2P2rA04_13const_genericINtB0_4BoolKb1_E", "<const_generic::Bool<true>>"},
    {"_RMCs4fqI2P2rA04_13const_genericINtB0_4CharKc2202_E", "<const_generic::Char<'∂'>>"},
    {"_RNvNvMCs4fqI2P2rA04_13const_genericINtB4_3FooKpE3foo3FOO",
     "<const_generic::Foo<_>>::foo::FOO"},
    {"_RC3foo.llvm.9D1C9369", "foo"},
    {"_RMC0FG_RL0_hEu", "<for<'a> fn(&'a u8)>"},
};

TEST(RustV0, ReadsEveryProductionOfTheGrammar) {
  for (const auto& [mangled, readable] : kV0Cases) {
    const auto got = demangle_rust_v0(mangled);
    ASSERT_TRUE(got) << mangled;
    EXPECT_EQ(*got, readable);
  }
}

TEST(RustV0, RefusesCirclesAndTornNames) {
  EXPECT_FALSE(demangle_rust_v0("_RNvB_1a"));  // refers to itself
  EXPECT_FALSE(demangle_rust_v0("_RMC0B_"));   // refers to the path around it
  EXPECT_FALSE(demangle_rust_v0("_RNvC3fo"));  // shorter than it says
  EXPECT_FALSE(demangle_rust_v0("_R"));
  EXPECT_FALSE(demangle_rust_v0("_RNvC1a1b$"));                            // rubbish behind
  EXPECT_FALSE(demangle_rust_v0("_RMC0" + std::string(2000, 'S') + "h"));  // too deep
  EXPECT_EQ(demangle("_RNvC3fo"), "_RNvC3fo");
}

TEST(RustV0, StopsNamesThatDouble) {
  // Each tuple refers twice to the one before: 2^n types from 9n characters.
  const auto base62 = [](std::size_t value) {
    constexpr std::string_view kDigits =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    std::string digits;
    for (--value; digits.empty() || value > 0; value /= 62) {
      digits.insert(digits.begin(), kDigits[value % 62]);
    }
    return digits + "_";
  };
  std::string name = "IC1a";
  std::size_t last = name.size();
  name += "TuuE";
  for (int round = 0; round < 40; ++round) {
    const std::string again = "B" + base62(last);
    last = name.size();
    name += "T" + again + again + "E";
    if (round == 1) {
      EXPECT_EQ(
          demangle_rust_v0("_R" + name + "E"),
          "a::<((), ()), (((), ()), ((), ())), ((((), ()), ((), ())), (((), ()), ((), ())))>");
    }
  }
  EXPECT_FALSE(demangle_rust_v0("_R" + name + "E"));
}

TEST(Punycode, DecodesTheSamplesOfItsStandard) {
  EXPECT_EQ(decode_punycode("bcher", "kva"), "bücher");
  EXPECT_EQ(decode_punycode("", "egbpdaj6bu4bxfgehfvwxn"), "ليهمابتكلموشعربي؟");
  EXPECT_FALSE(decode_punycode("a", "!"));
  EXPECT_FALSE(decode_punycode("a", "99999999"));
}

TEST(GoPrintedName, HidesTypeArgumentsAsTracebacksDo) {
  EXPECT_EQ(go_printed_name("main.f[go.shape.int_0]"), "main.f[...]");
  EXPECT_EQ(go_printed_name("main.(*T[go.shape.[]uint8_0]).Get"), "main.(*T[...]).Get");
  EXPECT_EQ(go_printed_name("gopkg.in/yaml%2ev3.Unmarshal"), "gopkg.in/yaml%2ev3.Unmarshal");
}

}  // namespace
}  // namespace plumb::detect
