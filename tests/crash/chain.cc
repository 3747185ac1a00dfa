#include "crash/chain.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>

#include "crash/tasks.h"

namespace mobula::crash {
namespace {

constexpr std::size_t kTextBytes = 3'000;
constexpr std::size_t kPaddingBytes = 200;

void strike(const Plan &plan, int hop, bool late) {
  if (plan.folder.empty() || plan.hop != hop || plan.late != late) return;
  const int mark = ::open((plan.folder + "/struck").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (mark < 0) return;  // it was done
  ::close(mark);
  ::kill(plan.victim == 0 ? ::getpid() : plan.victim, SIGKILL);
}

void check_texts(const Box &box) {
  const bool is_right = box.texts.size() == 2 && *box.texts[0].Get() == text_of(kTextBytes, box.depth) &&
                        *box.texts[1].Get() == text_of(20, box.depth);
  if (!is_right) throw std::runtime_error("the texts of box " + std::to_string(box.depth));
}

}  // namespace

Box build_box(Plan plan, int depth) {
  strike(plan, depth, false);
  Box box;
  box.depth = depth;
  if (depth % 2 != 0) box.padding = text_of(kPaddingBytes, depth);
  if (depth > 0) box.inner.push_back(ray::Task(build_box).Remote(plan, depth - 1));
  box.texts = {ray::Put(text_of(kTextBytes, depth)), ray::Put(text_of(20, depth))};
  strike(plan, depth, true);
  return box;
}

Box pass_box(Plan plan, int hop, Box box) {
  strike(plan, hop, false);
  check_texts(box);
  strike(plan, hop, true);
  return box;
}

ray::ObjectRef<Box> start_chain(const Plan &plan) {
  auto box = ray::Task(build_box).Remote(plan, kDepth);
  for (int hop = kDepth + 1; hop < kHops; ++hop) box = ray::Task(pass_box).Remote(plan, hop, box);
  return box;
}

void check_chain(ray::ObjectRef<Box> box) {
  for (int depth = kDepth; depth >= 0; --depth) {
    const Box open = *box.Get();
    box = {};
    if (open.depth != depth) throw std::runtime_error("box " + std::to_string(open.depth) + " lies at another depth");
    check_texts(open);
    if (depth > 0) box = open.inner.at(0);
  }
}

RAY_REMOTE(build_box, pass_box);

}  // namespace mobula::crash
