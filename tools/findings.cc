#include "tools/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/units.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

using base::format_bytes;
using tasks::Holder;
using tasks::Holdings;
using tasks::Object;
using tasks::Process;
using tasks::Task;

constexpr std::uint64_t kTenthsOfDescriptors = 9;

class Finder {
 public:
  Finder(const Surroundings &surroundings, const Holdings &holdings, Labels &labels)
      : facts_(surroundings), holdings_(holdings), labels_(labels) {}

  std::vector<Finding> run() {
    look_at_raylet();
    look_at_memory();
    look_at_store();
    look_at_processes();
    look_at_tasks();
    look_at_references();
    look_at_rest();
    return std::move(findings_);
  }

 private:
  void add(std::string what, std::string why, std::string to_do) {
    findings_.push_back({std::move(what), std::move(why), std::move(to_do)});
  }

  std::string age(std::int64_t since_ns) const {
    return format_age((holdings_.read_ns - since_ns) / base::kNanosecondsPerMillisecond);
  }
  // "pid 12 (driver ./train)".
  std::string who(const Process &process) const {
    const std::string command = labels_.command(process.pid);
    return fmt::format("pid {} ({}{}{})", process.pid, segment::name_of(process.kind), command.empty() ? "" : " ",
                       command);
  }
  std::string at(std::uint32_t site) const {
    const std::string &text = labels_.site(site).text;
    return text.empty() ? "an unknown line" : text;
  }

  void look_at_raylet() {
    if (facts_.raylet_is_stopped) {
      add(fmt::format("the raylet (pid {}) is stopped by a signal", facts_.raylet_pid),
          "nothing is scheduled, freed or granted", fmt::format("kill -CONT {}", facts_.raylet_pid));
    }
    if (facts_.raylet_was_replaced) {
      add("the raylet runs a program that was replaced or removed since",
          "programs that are built with the new one may be refused",
          fmt::format("mobula stop --session {0}, then mobula start --session {0}", facts_.session));
    }
    if (facts_.descriptors * 10 >= facts_.descriptors_max / 10 * 10 * kTenthsOfDescriptors) {
      add(fmt::format("the raylet has {} of {} descriptors open", format_count(facts_.descriptors),
                      format_count(facts_.descriptors_max)),
          "no further process can join", "raise the hard limit of open files (ulimit -Hn) and start the session again");
    }
  }

  void look_at_memory() {
    const std::uint64_t may_grow_bytes = facts_.capacity_bytes - facts_.reserved_bytes;
    const std::string may_grow = fmt::format("the store may still take {}", format_bytes(may_grow_bytes));
    const char *const smaller = "start the session with a smaller --memory";
    if (facts_.shm_free_bytes < may_grow_bytes) {
      add(fmt::format("/dev/shm has {} free, and {}", format_bytes(facts_.shm_free_bytes), may_grow),
          "puts fail before the store is full",
          fmt::format("give it more (mount -o remount,size=..., docker run --shm-size=...), or {}", smaller));
    }
    if (facts_.memory_limit_bytes < facts_.capacity_bytes) {
      add(fmt::format("the control group of the raylet may use {}, the store alone {}",
                      format_bytes(facts_.memory_limit_bytes), format_bytes(facts_.capacity_bytes)),
          "the kernel kills processes of the session when that is used up",
          fmt::format("raise the limit (memory.max, docker run --memory=...), or {}", smaller));
    }
    if (facts_.available_bytes < may_grow_bytes) {
      add(fmt::format("the machine has {} of memory available, and {}", format_bytes(facts_.available_bytes), may_grow),
          "puts fail, or the kernel kills processes", fmt::format("end other programs, or {}", smaller));
    }
  }

  struct Share {
    std::uint64_t bytes = 0;
    std::map<std::uint32_t, std::uint64_t> bytes_of_sites;
  };

  // "pid 12 (driver ./train) holds 50 MiB, most of it from make() at train.cpp:88"; "" when nobody holds anything.
  std::string largest_holder() const {
    std::map<std::uint32_t, Share> shares;  // by client
    for (const Object &object : holdings_.objects) {
      for (const Holder &holder : holdings_.holders_of(object)) {
        Share &share = shares[holder.client];
        share.bytes += object.size_bytes;
        share.bytes_of_sites[object.site] += object.size_bytes;
      }
    }
    const auto less = [](const auto &a, const auto &b) { return a.second.bytes < b.second.bytes; };
    const auto most = std::max_element(shares.begin(), shares.end(), less);
    if (most == shares.end() || most->first >= holdings_.processes.size()) return "";
    const auto &sites = most->second.bytes_of_sites;
    const auto site =
        std::max_element(sites.begin(), sites.end(), [](const auto &a, const auto &b) { return a.second < b.second; });
    return fmt::format("{} holds {}, most of it made at {}", who(holdings_.processes[most->first]),
                       format_bytes(most->second.bytes), at(site->first));
  }

  void look_at_store() {
    const std::uint64_t used_bytes = holdings_.footprint.blocks_bytes;
    if (used_bytes < facts_.capacity_bytes / 100 * kFullPercent) return;
    const std::string holder = largest_holder();
    add(fmt::format("the store is {:.0f} % full, {} of {}{}{}",
                    100 * static_cast<double>(used_bytes) /
                        static_cast<double>(std::max<std::uint64_t>(1, facts_.capacity_bytes)),
                    format_bytes(used_bytes), format_bytes(facts_.capacity_bytes), holder.empty() ? "" : "; ", holder),
        "puts wait for space, and fail when none comes",
        "mobula memory --group-by call-site tells who made it; mobula evict frees what is only retained");
  }

  void look_at_processes() {
    for (const std::uint32_t pid : facts_.stopped_pids) {
      const std::uint32_t client = labels_.client_of(pid);
      const bool is_known = client != 0 && client < holdings_.processes.size();
      const bool runs = is_known && holdings_.processes[client].runs();
      add(fmt::format("{} is stopped by a signal{}",
                      is_known ? who(holdings_.processes[client]) : fmt::format("pid {}", pid),
                      runs ? ", " + at(holdings_.processes[client].task_site) : ""),
          runs ? "its task does not go on, and whoever waits for it does not either" : "what it holds stays",
          fmt::format("kill -CONT {0}, or kill -KILL {0}", pid));
    }
    std::vector<std::uint32_t> ended;
    for (const Process &process : holdings_.processes) {
      if (process.is_ending) ended.push_back(process.pid);
    }
    if (ended.empty()) return;
    add(fmt::format("{} ended and {} not cleared yet: pid {}", ended.size() == 1 ? "a process has" : "processes have",
                    ended.size() == 1 ? "is" : "are", fmt::join(ended, ", ")),
        "what they held is not free", "run doctor again; if they stay, the raylet does not get to it");
  }

  void look_at_tasks() {
    std::vector<const Task *> running;
    std::vector<const Task *> waiting;
    for (const Task &task : holdings_.tasks) {
      if (task.is_over || task.since_ns == 0 || holdings_.read_ns - task.since_ns < kLongTaskNs) continue;
      (task.runs() ? running : waiting).push_back(&task);
    }
    const auto is_older = [](const Task *a, const Task *b) { return a->since_ns < b->since_ns; };
    std::sort(running.begin(), running.end(), is_older);
    for (std::size_t i = 0; i < running.size() && i < kNamedMax; ++i) {
      const Task &task = *running[i];
      const std::uint32_t pid = task.worker < holdings_.processes.size() ? holdings_.processes[task.worker].pid : 0;
      add(fmt::format("the task {}, submitted at {}, has run for {} in pid {}", labels_.task(task), at(task.site),
                      age(task.since_ns), pid),
          "its worker runs nothing else", fmt::format("if it hangs: gdb -p {}, then mobula::cancel with force", pid));
    }
    if (running.size() > kNamedMax) {
      add(fmt::format("{} more tasks have run as long as that", format_count(running.size() - kNamedMax)),
          "their workers run nothing else", "mobula list tasks");
    }
    if (waiting.empty()) return;
    const Task &oldest = **std::min_element(waiting.begin(), waiting.end(), is_older);
    add(fmt::format("{} waited for up to {}, the first is {}, submitted at {}",
                    waiting.size() == 1 ? "a task has" : format_count(waiting.size(), "task") + " have",
                    age(oldest.since_ns), labels_.task(oldest), at(oldest.site)),
        "their arguments or resources do not come, or long tasks have all slots",
        "mobula list tasks; more --workers or --resources");
  }

  void look_at_references() {
    const Holder *oldest = nullptr;
    const Object *held = nullptr;
    std::uint64_t count = 0;
    for (const Object &object : holdings_.objects) {
      for (const Holder &holder : holdings_.holders_of(object)) {
        if (holder.since_ns == 0 || holdings_.read_ns - holder.since_ns < kOldReferenceNs) continue;
        ++count;
        if (oldest != nullptr && oldest->since_ns <= holder.since_ns) continue;
        oldest = &holder;
        held = &object;
      }
    }
    if (oldest == nullptr || oldest->client >= holdings_.processes.size()) return;
    add(fmt::format("{} held for more than {}, the oldest by {} for {}: object {} of {}, taken at {}",
                    count == 1 ? "a reference is" : format_count(count, "reference") + " are",
                    format_age(kOldReferenceNs / base::kNanosecondsPerMillisecond),
                    who(holdings_.processes[oldest->client]), age(oldest->since_ns), labels_.id(held->name),
                    format_bytes(held->size_bytes), at(oldest->site)),
        "what is held is never freed", "mobula leaks, if the program does not need them");
  }

  void look_at_rest() {
    if (!facts_.stale_sessions.empty()) {
      add(fmt::format("folders of sessions whose raylet is dead: {}", fmt::join(facts_.stale_sessions, ", ")),
          "each keeps a log and a socket, no memory", "nothing: the next start of any session removes them");
    }
    if (facts_.log_lost != 0) {
      add(fmt::format("the reference log has lost {}", format_count(facts_.log_lost, "event")),
          "mobula trace does not tell all", "a larger --ref-log, and no process that stays stopped by a signal");
    }
  }

  const Surroundings &facts_;
  const Holdings &holdings_;
  Labels &labels_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string line_of(const Finding &finding) {
  return fmt::format("{}: {}. To do: {}", finding.what, finding.why, finding.to_do);
}

std::vector<Finding> find_all(const Surroundings &surroundings, const Holdings &holdings, Labels &labels) {
  return Finder(surroundings, holdings, labels).run();
}

}  // namespace mobula::tools
