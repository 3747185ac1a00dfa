// Images go through three tasks, each of which views what the one before it wrote, and writes where the next one will
// view.
//   pipeline [--side 2048] [--images 4]       exit status 1 when the two ways do not agree
// Beside it the same with images by value: copied out of the store before each stage, and into it behind.
#include <mobula/draft.h>
#include <mobula/view.h>
#include <ray/api.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "views/measure.h"

namespace {

// Pixels line by line behind a head, which tells the width and how many MiB each stage has copied.
using Image = std::vector<float>;
constexpr std::size_t kHead = 16;
constexpr std::size_t kWidth = 0;
constexpr std::size_t kStages = 3;
constexpr std::size_t kCopied = 1;  // of the first stage

// --- the stages, on whatever is an array -----------------------------------------------------------------------------

template <typename In, typename Out>
void begin_stage(const In &in, std::size_t stage, Out &out) {
  std::copy_n(&in[0], kHead, &out[0]);
  out[kCopied + stage] += static_cast<float>(static_cast<double>(measure::copied_bytes(in)) / measure::kMiB);
}

// The mean of each pixel and its two neighbours in the line.
template <typename In, typename Out>
void smooth(const In &in, Out &out) {
  begin_stage(in, 0, out);
  out[kHead] = in[kHead];
  out[in.size() - 1] = in[in.size() - 1];
  for (std::size_t i = kHead + 1; i + 1 < in.size(); ++i) out[i] = (in[i - 1] + in[i] + in[i + 1]) / 3;
}

// The difference to the pixel above.
template <typename In, typename Out>
void find_edges(const In &in, Out &out) {
  begin_stage(in, 1, out);
  const auto width = static_cast<std::size_t>(in[kWidth]);
  for (std::size_t i = kHead; i < in.size(); ++i) out[i] = i < kHead + width ? 0 : in[i] - in[i - width];
}

template <typename In, typename Out>
void make_black_and_white(const In &in, Out &out) {
  begin_stage(in, 2, out);
  for (std::size_t i = kHead; i < in.size(); ++i) out[i] = in[i] > 0.25f ? 1 : 0;
}

// --- the same as tasks: viewing and drafting, and by value -----------------------------------------------------------

using Viewed = mobula::View<Image>;
using Drafted = mobula::DraftOf<Image>;

template <typename Stage>
Drafted drafted(const Viewed &in, std::size_t stage, Stage run) {
  Drafted out = mobula::create<float>(in.size());
  run(in, out);
  if (!measure::is_shared(out.data())) out[kCopied + stage] += static_cast<float>(in.size() * 4 / measure::kMiB);
  return out;
}
Drafted smooth_viewed(Viewed in) {
  return drafted(in, 0, [](const Viewed &from, Drafted &to) { smooth(from, to); });
}
Drafted edges_viewed(Viewed in) {
  return drafted(in, 1, [](const Viewed &from, Drafted &to) { find_edges(from, to); });
}
Drafted black_viewed(Viewed in) {
  return drafted(in, 2, [](const Viewed &from, Drafted &to) { make_black_and_white(from, to); });
}

template <typename Stage>
Image by_value(const Image &in, std::size_t stage, Stage run) {
  Image out(in.size());
  run(in, out);
  out[kCopied + stage] += static_cast<float>(out.size() * 4 / measure::kMiB);  // into the store, when it is returned
  return out;
}
Image smooth_copied(Image in) {
  return by_value(in, 0, [](const Image &from, Image &to) { smooth(from, to); });
}
Image edges_copied(Image in) {
  return by_value(in, 1, [](const Image &from, Image &to) { find_edges(from, to); });
}
Image black_copied(Image in) {
  return by_value(in, 2, [](const Image &from, Image &to) { make_black_and_white(from, to); });
}

RAY_REMOTE(smooth_viewed, edges_viewed, black_viewed, smooth_copied, edges_copied, black_copied);

ray::ObjectRef<Image> make_image(std::size_t side, std::size_t number) {
  auto image = mobula::create<float>(kHead + side * side);
  std::fill_n(image.begin(), kHead, 0.0f);
  image[kWidth] = static_cast<float>(side);
  for (std::size_t i = 0; i < side * side; ++i) {
    image[kHead + i] = static_cast<float>((i * (number + 7) / 11 + i / side * 13) % 256) / 256;
  }
  return std::move(image).seal();
}

struct Way {
  std::vector<ray::ObjectRef<Image>> results;
  double seconds = 1e9;

  // All images at once; the stages of one follow each other by their references.
  template <typename Stages>
  void run(const std::vector<ray::ObjectRef<Image>> &images, Stages stages) {
    results.clear();
    const double start_s = measure::now_s();
    for (const auto &image : images) results.push_back(stages(image));
    ray::Wait(results, static_cast<int>(results.size()), -1);
    seconds = std::min(seconds, measure::now_s() - start_s);
  }
  void print(const char *name) const {
    const mobula::View<Image> image = mobula::view(results.front());
    std::printf("%-10s", name);
    for (std::size_t stage = 0; stage < kStages; ++stage) std::printf(" %8.1f MiB", image[kCopied + stage]);
    std::printf(" %10.4f s\n", seconds);
  }
};

bool same_pixels(const Way &left, const Way &right) {
  for (std::size_t i = 0; i < left.results.size(); ++i) {
    const auto a = mobula::view(left.results[i]);
    const auto b = mobula::view(right.results[i]);
    if (a.size() != b.size() || !std::equal(a.begin() + kHead, a.end(), b.begin() + kHead)) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char **argv) {
  const std::size_t side = std::max<std::size_t>(measure::option(argc, argv, "--side", 2048), 8);
  const std::size_t count = std::max<std::size_t>(measure::option(argc, argv, "--images", 4), 1);
  ray::RayConfig config;
  config.head_args = {"--object-store-memory", std::to_string(12 * count * side * side * 4 + (64 << 20))};
  ray::Init(config, argc, argv);

  std::vector<ray::ObjectRef<Image>> images;
  for (std::size_t i = 0; i < count; ++i) images.push_back(make_image(side, i));
  Way viewed;
  Way copied;
  for (int round = 0; round < 3; ++round) {  // in turns, so that a busy machine slows both
    viewed.run(images, [](const ray::ObjectRef<Image> &image) {
      return ray::Task(black_viewed).Remote(ray::Task(edges_viewed).Remote(ray::Task(smooth_viewed).Remote(image)));
    });
    copied.run(images, [](const ray::ObjectRef<Image> &image) {
      return ray::Task(black_copied).Remote(ray::Task(edges_copied).Remote(ray::Task(smooth_copied).Remote(image)));
    });
  }
  std::printf("%zu images of %zu x %zu pixels, %.1f MiB each\n", count, side, side,
              static_cast<double>(side * side * 4) / measure::kMiB);
  std::printf("%-10s %12s %12s %12s %12s\n", "copied by", "smooth", "edges", "black", "time");
  viewed.print("viewed");
  copied.print("by value");
  std::printf("viewed is %.1f times as fast\n", copied.seconds / viewed.seconds);
  const bool agree = same_pixels(viewed, copied);
  images.clear();
  viewed.results.clear();
  copied.results.clear();
  ray::Shutdown();
  return agree ? 0 : 1;
}
