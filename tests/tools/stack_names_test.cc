#include "tools/stack_names.h"

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

using namespace mobula::tools;

// Not static: its name is what is looked for.
extern "C" int function_for_stack_names() { return 42; }

TEST_SUITE("tools/stack_names") {
  TEST_CASE("a stack is modules and offsets; other words are left out") {
    const auto frames = parse_frames("train+1a2b libx.so.6+3c ? +5 a+ a+zz name+with+plus+ff");
    REQUIRE(frames.size() == 3);
    CHECK(frames[0] == Frame{"train", 0x1a2b});
    CHECK(frames[1] == Frame{"libx.so.6", 0x3c});
    CHECK(frames[2] == Frame{"name+with+plus", 0xff});
    CHECK(parse_frames("").empty());
  }
  TEST_CASE("a module is the first mapping of a file with its name") {
    const char *maps =
        "55d000-55e000 r--p 00000000 08:01 12  /opt/app/train\n"
        "55e000-55f000 r-xp 00001000 08:01 12  /opt/app/train\n"
        "7f0000-7f1000 rw-p 00000000 00:00 0\n"
        "7f2000-7f3000 r--p 00000000 08:01 13  /lib/a folder/libx.so\n";
    CHECK(find_module(maps, "train")->path == "/opt/app/train");
    CHECK(find_module(maps, "train")->begin == 0x55d000);
    CHECK(find_module(maps, "libx.so")->path == "/lib/a folder/libx.so");
    CHECK_FALSE(find_module(maps, "rain").has_value());
    CHECK_FALSE(find_module("", "x").has_value());
  }
  TEST_CASE("a frame is its function and the place in its file, as far as they are known") {
    CHECK(frame_name("work()", "/src/app/train.cpp:88") == "work() at train.cpp:88");
    CHECK(frame_name("work()", "train.cpp:88 (discriminator 3)") == "work() at train.cpp:88");
    CHECK(frame_name("work()", "??:0") == "work()");
    CHECK(frame_name("work()", "??:?") == "work()");
    CHECK(frame_name("??", "??:0") == "");
    CHECK(frame_name(std::string(200, 'f'), "a.cc:1") == std::string(100, 'f') + "... at a.cc:1");
  }
  TEST_CASE("functions of a running process are named, when addr2line is there") {
    if (::access("/usr/bin/addr2line", X_OK) != 0) return;
    Dl_info info{};
    REQUIRE(dladdr(reinterpret_cast<const void *>(&function_for_stack_names), &info) != 0);
    const std::string file = info.dli_fname;
    const auto offset = reinterpret_cast<std::uintptr_t>(&function_for_stack_names) + 1 -
                        reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    const std::string known = fmt::format("{}+{:x}", file.substr(file.rfind('/') + 1), offset);
    const std::string stack = known + " nobody-has-this+12";
    const auto names = name_stacks({stack, "nobody-has-this+12"}, {::getpid()});
    REQUIRE(names.size() == 1);
    CHECK(names.at(stack).starts_with("function_for_stack_names"));
    CHECK(names.at(stack).ends_with(" < nobody-has-this+12"));
  }
  TEST_CASE("of processes that are gone nothing is named") { CHECK(name_stacks({"train+1a"}, {}).empty()); }
}
