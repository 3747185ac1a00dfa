#include "tools/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "base/units.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

constexpr double kWidth = 880;
constexpr double kLeft = 90;
constexpr double kRight = 20;
constexpr double kTop = 40;
constexpr double kPanelHeight = 180;
constexpr double kPanelGap = 50;
constexpr int kTicks = 4;
constexpr std::size_t kMarksMax = 2000;
constexpr const char *kColours[] = {"#1f6feb", "#bf4b00", "#1a7f37"};

std::string escaped(const std::string &text) {
  std::string clean;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        clean += "&amp;";
        break;
      case '<':
        clean += "&lt;";
        break;
      case '>':
        clean += "&gt;";
        break;
      case '"':
        clean += "&quot;";
        break;
      default:
        clean += static_cast<unsigned char>(letter) < 0x20 ? '?' : letter;
    }
  }
  return clean;
}

std::string label(const Curve &curve, double value) {
  const auto whole = static_cast<std::uint64_t>(std::llround(std::max(value, 0.0)));
  return curve.is_bytes ? base::format_bytes(whole) : format_count(whole);
}

double last_second(const std::vector<Curve> &curves) {
  double last = 0;
  for (const Curve &curve : curves) {
    if (!curve.points.empty()) last = std::max(last, curve.points.back().first);
  }
  return last > 0 ? last : 1;
}

double largest(const Curve &curve) {
  double value = 0;
  for (const auto &point : curve.points) value = std::max(value, point.second);
  return value;
}

// The next number of the form 1, 2 or 5 times a power of ten (of two, for bytes) that is enough for `kTicks` steps.
double nice_top(const Curve &curve) {
  const double value = std::max(largest(curve), 1.0);
  if (curve.is_bytes) return std::exp2(std::ceil(std::log2(value)));
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 4.0, 8.0}) {
    if (value <= factor * power) return factor * power;
  }
  return 10 * power;
}

struct Panel {
  double top;
  double seconds;  // at the right end
  double value;    // at the upper end
  double x(double at) const { return kLeft + (kWidth - kLeft - kRight) * at / seconds; }
  double y(double at) const { return top + kPanelHeight * (1 - at / value); }
};

std::string panel_svg(const Curve &curve, const Panel &panel, const char *colour) {
  std::string text = fmt::format("<text x=\"{:.0f}\" y=\"{:.1f}\" class=\"name\">{}</text>\n", kLeft, panel.top - 8,
                                 escaped(curve.title));
  for (int tick = 0; tick <= kTicks; ++tick) {
    const double value = panel.value * tick / kTicks;
    const double y = panel.y(value);
    text += fmt::format("<line x1=\"{:.0f}\" y1=\"{:.1f}\" x2=\"{:.0f}\" y2=\"{:.1f}\" class=\"grid\"/>\n", kLeft, y,
                        kWidth - kRight, y);
    text += fmt::format("<text x=\"{:.0f}\" y=\"{:.1f}\" class=\"value\">{}</text>\n", kLeft - 8, y + 4,
                        label(curve, value));
    const double second = panel.seconds * tick / kTicks;
    text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"time\">{:.{}f} s</text>\n", panel.x(second),
                        panel.top + kPanelHeight + 18, second, panel.seconds < 10 ? 1 : 0);
  }
  text += fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" points=\"", colour);
  for (const auto &[second, value] : curve.points)
    text += fmt::format("{:.1f},{:.1f} ", panel.x(second), panel.y(value));
  return text + "\"/>\n";
}

std::string marks_svg(const std::vector<Mark> &marks, const Panel &first, double bottom) {
  std::string text;
  for (std::size_t i = 0; i < marks.size() && i < kMarksMax; ++i) {
    if (marks[i].seconds < 0 || marks[i].seconds > first.seconds) continue;
    const double x = first.x(marks[i].seconds);
    text += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"mark\"><title>{}</title></line>\n", x,
        first.top, x, bottom, escaped(marks[i].text));
  }
  return text;
}

}  // namespace

std::string plot_svg(const std::string &title, const std::vector<Curve> &curves, const std::vector<Mark> &marks) {
  const double seconds = last_second(curves);
  const double height = kTop + 20 + static_cast<double>(curves.size()) * (kPanelHeight + kPanelGap);
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\">\n"
      "<title>{2}</title>\n"
      "<style>text{{font:12px sans-serif;fill:#333}} .title{{font-size:15px}} .name{{font-weight:bold}}\n"
      ".value{{text-anchor:end}} .time{{text-anchor:middle}} .grid{{stroke:#ddd}}\n"
      ".mark{{stroke:#c00;stroke-opacity:.35}}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
      "<text x=\"{3:.0f}\" y=\"20\" class=\"title\">{2}</text>\n",
      kWidth, height, escaped(title), kLeft);
  double top = kTop + 20;
  for (std::size_t i = 0; i < curves.size(); ++i, top += kPanelHeight + kPanelGap) {
    const Panel panel{top, seconds, nice_top(curves[i])};
    if (i == 0) text += marks_svg(marks, panel, height - kPanelGap);
    text += panel_svg(curves[i], panel, kColours[i % std::size(kColours)]);
  }
  return text + "</svg>\n";
}

std::string sparkline(const Curve &curve, std::size_t width, bool utf8) {
  static constexpr const char *kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr const char *kLetters[] = {"_", ".", "-", "=", "+", "*", "%", "#"};
  constexpr std::size_t kHeights = std::size(kBlocks);
  if (curve.points.empty() || width == 0) return "";
  const double first = curve.points.front().first;
  const double span = std::max(curve.points.back().first - first, 1e-9);
  std::vector<double> columns(width, 0);
  std::vector<bool> is_known(width, false);
  for (const auto &[second, value] : curve.points) {
    const double place = (second - first) / span * static_cast<double>(width);
    const std::size_t column = std::min(static_cast<std::size_t>(std::max(place, 0.0)), width - 1);
    columns[column] = is_known[column] ? std::max(columns[column], value) : value;
    is_known[column] = true;
  }
  const double top = std::max(largest(curve), 1e-9);
  std::string text;
  for (std::size_t i = 0; i < width; ++i) {
    if (!is_known[i] && i != 0) columns[i] = columns[i - 1];
    const auto height = static_cast<std::size_t>(std::ceil(std::max(columns[i], 0.0) / top * kHeights));
    const std::size_t step = std::min(height, kHeights);
    if (step == 0) {
      text += ' ';
    } else {
      text += utf8 ? kBlocks[step - 1] : kLetters[step - 1];
    }
  }
  return text;
}

bool terminal_knows_utf8() {
  for (const char *name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char *const value = std::getenv(name);
    if (value == nullptr || value[0] == '\0') continue;
    const std::string text = value;
    return text.find("UTF-8") != std::string::npos || text.find("utf8") != std::string::npos ||
           text.find("UTF8") != std::string::npos || text.find("utf-8") != std::string::npos;
  }
  return false;
}

}  // namespace mobula::tools
