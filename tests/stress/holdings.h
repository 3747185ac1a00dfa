// stress/holdings.h: the driver's own account of what it holds, which the audit compares with the session's.
//   Threads    the driver's only one
//   Ownership  one Held is one object, by one handle or more
#pragma once

#include <ray/api.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mix_tasks.h"
#ifdef MIX_ON_MOBULA
#include <mobula/pin.h>
#endif

namespace mix {

struct Held {
  std::uint64_t seed = 0;
  std::uint64_t words = 0;
  std::vector<ray::ObjectRef<Payload>> handles;
#ifdef MIX_ON_MOBULA
  std::vector<ray::ObjectRef<Node>> nodes;  // instead of `handles`: the root of `depth` nodes
  std::uint64_t depth = 0;

  bool is_payload() const { return nodes.empty(); }
  std::size_t handles_count() const { return handles.size() + nodes.size() + pins; }
#else
  bool is_payload() const { return true; }
  std::size_t handles_count() const { return handles.size(); }
#endif
  std::size_t pins = 0;  // each is a handle, too
};

class Holdings {
 public:
  Held &add(std::uint64_t seed, std::uint64_t words) {
    all_.push_back(std::make_unique<Held>());
    all_.back()->seed = seed;
    all_.back()->words = words;
    words_ += words;
    return *all_.back();
  }
  // Takes a handle of its own: moving an ObjectRef of Ray drops its object for a moment.
  void add(const ray::ObjectRef<Payload> &reference, std::uint64_t seed, std::uint64_t words) {
    add(seed, words).handles.push_back(reference);
  }

  void drop(std::size_t number) {
    all_[number].swap(all_.back());
    Held &one = *all_.back();
    words_ -= one.words;
#ifdef MIX_ON_MOBULA
    for (; one.pins != 0; --one.pins) mobula::unpin(one.handles[0]);
#endif
    all_.pop_back();
  }
  void drop(const Held &one) {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (all_[i].get() == &one) return drop(i);
    }
  }

  std::size_t size() const { return all_.size(); }
  std::uint64_t words() const { return words_; }
  Held &operator[](std::size_t number) { return *all_[number]; }

  // Objects, handles and pins.
  std::string text() const {
    std::size_t handles = 0;
    std::size_t pins = 0;
    for (const std::unique_ptr<Held> &one : all_) {
      handles += one->handles_count();
      pins += one->pins;
    }
    return std::to_string(all_.size()) + " " + std::to_string(handles) + " " + std::to_string(pins);
  }

 private:
  std::vector<std::unique_ptr<Held>> all_;
  std::uint64_t words_ = 0;
};

}  // namespace mix
