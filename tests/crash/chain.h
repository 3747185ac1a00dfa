// crash/chain.h: results nested six deep, passed on by three tasks; any of these can kill its worker or its driver.
//   Process    compiled into the tests, and into the library that their sessions' workers load
//   Errors     a wrong result is a std::runtime_error that names it
#pragma once

#include <ray/api.h>

#include <string>
#include <vector>

namespace mobula::crash {

constexpr int kDepth = 5;
constexpr int kHops = kDepth + 1 + 3;  // 0 to kDepth build, the rest pass on

// Who is to die, once, and where.
struct Plan {
  std::string folder;  // where the one who strikes leaves a mark; "": nobody strikes
  int hop = 0;
  bool late = false;  // when the hop has made what it returns; else at its begin
  int victim = 0;     // a pid; 0: the worker itself
  MSGPACK_DEFINE(folder, hop, late, victim)
};

struct Box {
  int depth = 0;
  std::string padding;  // every other box is too large for an entry header
  std::vector<ray::ObjectRef<std::string>> texts;
  std::vector<ray::ObjectRef<Box>> inner;
  MSGPACK_DEFINE(depth, padding, texts, inner)
};

Box build_box(Plan plan, int depth);
Box pass_box(Plan plan, int hop, Box box);

// Builds a box and passes it on. The handles of what lies between are dropped at once.
ray::ObjectRef<Box> start_chain(const Plan &plan);
// Opens box after box to the bottom; throws if anything is wrong.
void check_chain(ray::ObjectRef<Box> box);

}  // namespace mobula::crash
