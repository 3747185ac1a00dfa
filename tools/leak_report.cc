#include "tools/leak_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "base/units.h"
#include "tools/memory_text.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using tasks::KeptBy;
using tasks::Leak;
using tasks::Object;

constexpr std::size_t kGroupsMax = 20;
constexpr std::size_t kEndingMax = 20;
constexpr std::size_t kHoldersMax = 8;
constexpr std::size_t kCommandColumns = 80;

std::string shortened(const std::string &text) {
  return text.size() <= kCommandColumns ? text : text.substr(0, kCommandColumns - 3) + "...";
}

std::string or_unknown(const std::string &text) { return text.empty() ? "an unknown line" : text; }

std::string with_sign(std::int64_t bytes) {
  const auto size = static_cast<std::uint64_t>(bytes < 0 ? -bytes : bytes);
  return fmt::format("{}{}", bytes < 0 ? "-" : "+", base::format_bytes(size));
}

}  // namespace

std::string LeakReport::headline() const {
  std::uint64_t bytes = 0;
  for (const Leak &leak : leaks_.leaks) bytes += object_of(leak).size_bytes;
  return fmt::format("Session {}: {}, {}, that nothing has needed for {} (of {} in use; the store holds {}).\n",
                     session_, format_count(leaks_.leaks.size(), "object"), base::format_bytes(bytes),
                     format_age(min_age_ns_ / base::kNanosecondsPerMillisecond),
                     base::format_bytes(holdings_.footprint.blocks_bytes),
                     base::format_bytes(holdings_.footprint.capacity_bytes));
}

std::string LeakReport::created_text(const Object &object) {
  const std::string &site = labels_.site(object.site).text;
  const std::uint32_t client = labels_.client_of(object.creator_pid);
  const std::string pid = object.creator_pid == 0 ? "an unknown process"
                          : client == 0
                              ? fmt::format("pid {} (ended)", object.creator_pid)
                              : fmt::format("pid {} {}", object.creator_pid, name_of(holdings_.processes[client].kind));
  std::string text = fmt::format("  created by  {}  ", pid);
  if (const objects::ActivityRecord *const task = made_by(object)) {
    return text + fmt::format("task {}, which ended {} ago; asked for at {}\n",
                              or_unknown(labels_.site(task->site).parts.function), format_age(age_ms(task->ended_ns)),
                              or_unknown(site));
  }
  text += or_unknown(site);
  if (object.created_ns != 0) text += fmt::format(", {} ago", format_age(age_ms(object.created_ns)));
  return text + "\n";
}

std::string LeakReport::process_text(std::uint32_t client) {
  const tasks::Process &process = holdings_.processes[client];
  std::string text = shortened(labels_.command(process.pid));
  if (!text.empty()) text += "; ";
  if (process.actor_entry != segment::kNoEntry) text += "an actor; ";
  if (process.kind == segment::ClientKind::kDriver) return text + "a driver";
  if (process.runs()) {
    return text + fmt::format("runs {} for {}", or_unknown(labels_.site(process.task_site).parts.function),
                              format_age(age_ms(process.task_since_ns)));
  }
  const std::int64_t since_ns = idle_since_ns(client);
  return text + (since_ns == 0 ? "idle" : fmt::format("idle for {}", format_age(age_ms(since_ns))));
}

std::string LeakReport::held_text(const Object &object) {
  std::string text;
  std::size_t count = 0;
  for (const tasks::Holder &holder : holdings_.holders_of(object)) {
    if (++count > kHoldersMax) break;
    if (holder.client == 0) {
      text += fmt::format("  held by     the session: it was pinned by `mobula pin`\n");
      continue;
    }
    if (holder.client >= holdings_.processes.size()) continue;
    const tasks::Process &process = holdings_.processes[holder.client];
    text += fmt::format("  held by     pid {} {}{}  {}, {}{}{}\n              {}\n", process.pid, name_of(process.kind),
                        process.is_ending ? " (has ended)" : "", or_unknown(labels_.site(holder.site).text),
                        base::counted(holder.handles_beside_pins(), "handle"),
                        holder.pins == 0 ? "" : ", " + base::counted(holder.pins, "pin"),
                        holder.since_ns == 0 ? "" : ", for " + format_age(age_ms(holder.since_ns)),
                        process_text(holder.client));
  }
  if (object.holders.count > kHoldersMax) {
    text += fmt::format("              and {} more\n", format_count(object.holders.count - kHoldersMax, "process"));
  }
  return text;
}

std::string LeakReport::why_text(const Leak &leak) {
  const Keeper keeper = keeper_of(leak);
  switch (leak.kept_by) {
    case KeptBy::kHandle: {
      const Labels::Site &site = labels_.site(holdings_.holders[leak.by].site);
      const bool in_task =
          site.parts.kind == segment::SiteKind::kTask || site.parts.kind == segment::SiteKind::kArgument;
      if (!in_task) return fmt::format("the handle of pid {} was never dropped", keeper.pid);
      return fmt::format("pid {} has kept a handle that it took in {}", keeper.pid, site.parts.function);
    }
    case KeptBy::kPin:
      return fmt::format("pid {} has pinned it and not unpinned it", keeper.pid);
    case KeptBy::kSessionPin:
      return "it was pinned for the session";
    case KeptBy::kDraft:
      return fmt::format("pid {} has created it, and neither sealed nor dropped it", keeper.pid);
    case KeptBy::kTask: {
      const tasks::Task &task = holdings_.tasks[leak.by];
      return fmt::format("an argument of {}, which {} for {}; submitted at {}", labels_.task(task),
                         task.runs() ? fmt::format("pid {} runs", keeper.pid) : "waits",
                         format_age(age_ms(task.since_ns)), or_unknown(labels_.site(task.site).text));
    }
    case KeptBy::kObject:
      return fmt::format("it lies inside object {}, a leak of pid {}", labels_.id(holdings_.objects[leak.by].name),
                         keeper.pid);
    case KeptBy::kCycle:
      break;
  }
  return fmt::format("it lies inside object {}, and that in it", labels_.id(holdings_.objects[leak.by].name));
}

std::string LeakReport::advice_text(const Leak &leak) {
  const Keeper keeper = keeper_of(leak);
  switch (leak.kept_by) {
    case KeptBy::kHandle:
      return fmt::format("drop the handle, or end pid {}", keeper.pid);
    case KeptBy::kPin:
      return fmt::format("mobula::unpin, or end pid {}", keeper.pid);
    case KeptBy::kSessionPin:
      return fmt::format("mobula unpin {} --session {}", labels_.id(object_of(leak).name), session_);
    case KeptBy::kDraft:
      return fmt::format("seal or drop the draft, or end pid {}", keeper.pid);
    case KeptBy::kTask:
      return "cancel the task (mobula::cancel), or end what it waits for";
    case KeptBy::kObject:
      return "free that object";
    case KeptBy::kCycle:
      break;
  }
  return fmt::format("mobula gc --session {}", session_);
}

std::string LeakReport::leak_text(std::size_t number, const Leak &leak) {
  const Object &object = object_of(leak);
  std::uint64_t handles = 0;
  std::uint64_t pins = 0;
  for (const tasks::Holder &holder : holdings_.holders_of(object)) {
    handles += holder.handles_beside_pins();
    pins += holder.pins;
  }
  std::string text = fmt::format(
      "LEAK {}  {}  object {}  {}, {}, {}, not needed for {}\n", number, base::format_bytes(object.size_bytes),
      labels_.id(object.name), object.is_draft ? "not sealed" : name_of(object.state), base::counted(handles, "handle"),
      base::counted(pins, "pin"), format_age(leak.idle_ns / base::kNanosecondsPerMillisecond));
  return text + created_text(object) + held_text(object) + "  why kept    " + why_text(leak) + "\n  to free     " +
         advice_text(leak) + "\n";
}

std::string LeakReport::groups_text() {
  Table table({{"SIZE", Table::Side::kRight}, {"OBJECTS", Table::Side::kRight}, {"CREATED AT"}});
  const std::vector<Group> all = groups();
  for (std::size_t i = 0; i < all.size() && i < kGroupsMax; ++i) {
    table.add({base::format_bytes(all[i].sum.bytes), format_count(all[i].sum.objects),
               or_unknown(labels_.site(all[i].site).text)});
  }
  std::string text = "By line:\n" + table.text(2);
  if (all.size() > kGroupsMax) text += fmt::format("  and {} more lines\n", format_count(all.size() - kGroupsMax));
  return text;
}

std::string LeakReport::ending_text() {
  if (leaks_.ending.empty()) return "";
  std::map<std::uint32_t, objects::DeathRecord> deaths;
  for (const objects::DeathRecord &death : objects::read_deaths(segment_)) deaths[death.pid] = death;
  std::string text = fmt::format("Not leaks yet: {}, held by processes that have ended, on the way out:\n",
                                 format_count(leaks_.ending.size(), "object"));
  for (std::size_t i = 0; i < leaks_.ending.size() && i < kEndingMax; ++i) {
    const Object &object = holdings_.objects[leaks_.ending[i]];
    text += fmt::format("  {}  object {}", base::format_bytes(object.size_bytes), labels_.id(object.name));
    for (const tasks::Holder &holder : holdings_.holders_of(object)) {
      const std::uint32_t pid = holdings_.processes[holder.client].pid;
      const auto death = deaths.find(pid);
      text += fmt::format("  pid {}", pid);
      if (death != deaths.end()) {
        text += fmt::format(" ({}, {} ago)", describe(death->second), format_age(age_ms(death->second.ended_ns)));
      }
    }
    text += "\n";
  }
  if (leaks_.ending.size() > kEndingMax) text += fmt::format("  and {} more\n", leaks_.ending.size() - kEndingMax);
  return text;
}

std::string LeakReport::on_purpose_text() const {
  SiteSum sum;
  for (const Object &object : holdings_.objects) {
    if (object.retained == 0 || object.holders.count != 0) continue;
    ++sum.objects;
    sum.bytes += object.size_bytes;
  }
  if (!all_ || sum.objects == 0) return "";
  return fmt::format("Kept on purpose: {}, {}, named, weakly held or retained; `mobula evict` frees what nobody uses\n",
                     format_count(sum.objects, "object"), base::format_bytes(sum.bytes));
}

std::string LeakReport::growth_text() const {
  if (!growth_) return "";
  std::int64_t objects = 0;
  std::int64_t bytes = 0;
  std::string lines;
  for (std::size_t i = 0; i < growth_->size(); ++i) {
    const Growth &growth = (*growth_)[i];
    objects += growth.objects;
    bytes += growth.bytes;
    if (i >= kGroupsMax) continue;
    lines += fmt::format("  {}, {:+} objects  {}\n", with_sign(growth.bytes), growth.objects, or_unknown(growth.site));
  }
  return fmt::format("Since {}: {}, {:+} objects\n", since_, with_sign(bytes), objects) + lines;
}

std::string LeakReport::text(std::size_t limit) {
  if (leaks_.leaks.empty()) return on_purpose_text();
  std::string text = headline();
  const std::vector<const Leak *> sorted = by_size();
  for (std::size_t i = 0; i < sorted.size() && i < limit; ++i) text += leak_text(i + 1, *sorted[i]);
  if (sorted.size() > limit) {
    text += fmt::format("... and {} more (--limit N shows more, --json all)\n", format_count(sorted.size() - limit));
  }
  return text + groups_text() + ending_text() + on_purpose_text() + growth_text() + ledger_line(holdings_.footprint);
}

}  // namespace mobula::tools
