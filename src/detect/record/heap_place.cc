// SPDX-License-Identifier: Apache-2.0
// The table of the allocation functions.
#include "detect/record/heap_place.h"

#include <array>

namespace plumb::detect {
namespace {

constexpr std::array kFunctions = {
    HeapFunction{"malloc", 1},
    HeapFunction{"calloc", 1, 2},
    HeapFunction{"realloc", 2, 0, 1},
    HeapFunction{"reallocarray", 2, 3, 1},
    HeapFunction{"aligned_alloc", 2},
    HeapFunction{"memalign", 2},
    HeapFunction{"posix_memalign", 3, 0, 0, true},
    HeapFunction{"valloc", 1},
    HeapFunction{"pvalloc", 1},
    HeapFunction{"free", 0, 0, 1},
    // operator new and delete, where the allocator brings its own
    HeapFunction{"_Znwm", 1},
    HeapFunction{"_Znam", 1},
    HeapFunction{"_ZnwmRKSt9nothrow_t", 1},
    HeapFunction{"_ZnamRKSt9nothrow_t", 1},
    HeapFunction{"_ZnwmSt11align_val_t", 1},
    HeapFunction{"_ZnamSt11align_val_t", 1},
    HeapFunction{"_ZdlPv", 0, 0, 1},
    HeapFunction{"_ZdaPv", 0, 0, 1},
    HeapFunction{"_ZdlPvm", 0, 0, 1},
    HeapFunction{"_ZdaPvm", 0, 0, 1},
    HeapFunction{"_ZdlPvSt11align_val_t", 0, 0, 1},
    HeapFunction{"_ZdaPvSt11align_val_t", 0, 0, 1},
    HeapFunction{"_ZdlPvmSt11align_val_t", 0, 0, 1},
    HeapFunction{"_ZdaPvmSt11align_val_t", 0, 0, 1},
    // jemalloc(3)
    HeapFunction{"mallocx", 1},
    HeapFunction{"rallocx", 2, 0, 1},
    HeapFunction{"dallocx", 0, 0, 1},
    HeapFunction{"sdallocx", 0, 0, 1},
    // mimalloc
    HeapFunction{"mi_malloc", 1},
    HeapFunction{"mi_calloc", 1, 2},
    HeapFunction{"mi_zalloc", 1},
    HeapFunction{"mi_realloc", 2, 0, 1},
    HeapFunction{"mi_free", 0, 0, 1},
    // tcmalloc
    HeapFunction{"tc_malloc", 1},
    HeapFunction{"tc_calloc", 1, 2},
    HeapFunction{"tc_realloc", 2, 0, 1},
    HeapFunction{"tc_free", 0, 0, 1},
};

}  // namespace

std::span<const HeapFunction> heap_functions() {
  return kFunctions;
}

}  // namespace plumb::detect
