#include "segment/segment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "base/clock.h"
#include "base/units.h"

namespace mobula::segment {
namespace {

namespace interprocess = boost::interprocess;

constexpr const char *kSharedMemoryFolder = "/dev/shm";
// Room for tables beside the objects at start: headers of the first chunks, rings and rows of a few clients.
constexpr std::uint64_t kTablesBytesAtStart = 16ull << 20;

// Lets Boost.Interprocess map a descriptor that has no name.
class Mappable {
 public:
  explicit Mappable(int descriptor) : descriptor_(descriptor) {}
  interprocess::mapping_handle_t get_mapping_handle() const {
    return interprocess::ipcdetail::mapping_handle_from_file_handle(descriptor_);
  }

 private:
  int descriptor_;
};

constexpr std::uint64_t round_to_pages(std::uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

Regions plan_regions() {
  Regions regions{};
  regions.clients = kPageBytes;
  regions.rings = regions.clients + round_to_pages(sizeof(ClientSlot) * base::kClientsMax);
  regions.rows = regions.rings + sizeof(ClientRings) * base::kClientsMax;
  regions.names = regions.rows + base::kRowPoolBytes;
  regions.victims = regions.names + kNameBucketsBytes + sizeof(NameRecord) * base::kNamesMax;
  regions.deaths = regions.victims + sizeof(Victim) * base::kVictimsKept;
  regions.samples = regions.deaths + sizeof(Death) * base::kDeathsKept;
  regions.sites = regions.samples + sizeof(Sample) * base::kSamplesKept;
  regions.log = regions.victims + kHistoryBytes;
  regions.entries = regions.log + log_bytes(base::kLogRecordsMax);
  regions.groups = regions.entries + sizeof(EntryHeader) * base::kEntriesMax;
  regions.data = regions.groups + sizeof(Word) * base::kEntriesMax * kSetsCount * (base::kGroupsMax - 1);
  return regions;
}

std::uint64_t memory_available_bytes() {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string key; meminfo >> key;) {
    std::uint64_t kib = 0;
    if (key == "MemAvailable:" && meminfo >> kib) return kib << 10;
  }
  return ~0ull;  // unknown: reserving decides
}

std::uint64_t shared_memory_free_bytes() {
  struct statvfs figures {};
  if (statvfs(kSharedMemoryFolder, &figures) != 0) return 0;
  return static_cast<std::uint64_t>(figures.f_bavail) * figures.f_frsize;
}

base::File open_nameless(std::uint64_t needed_bytes, std::string *notice) {
  const std::uint64_t free_bytes = shared_memory_free_bytes();
  if (free_bytes >= needed_bytes) {
    base::File file(open(kSharedMemoryFolder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (file) return file;
  }
  *notice = fmt::format("{} has {} free, {} are needed: using memfd in its place", kSharedMemoryFolder,
                        base::format_bytes(free_bytes), base::format_bytes(needed_bytes));
  base::File file(memfd_create("mobula", MFD_CLOEXEC));
  if (!file) base::throw_errno("memfd_create");
  return file;
}

std::uint64_t random_epoch() {
  std::uint64_t value = 0;
  if (getrandom(&value, sizeof value, 0) != sizeof value) base::throw_errno("getrandom");
  return value >> 24;
}

void fill_header(SegmentHeader *header, std::uint64_t capacity_bytes, std::uint32_t log_records,
                 const Regions &regions) {
  header->magic = kMagic;
  header->layout_version = kLayoutVersion;
  header->layout_fingerprint = layout_fingerprint();
  header->segment_bytes = regions.data + capacity_bytes;
  header->capacity_bytes = capacity_bytes;
  header->epoch = random_epoch();
  header->entries_max = base::kEntriesMax;
  header->raylet_pid = static_cast<std::uint32_t>(getpid());
  header->log_records = log_records;
  header->regions = regions;
  header->started_ns = base::coarse_ns();
  header->groups_live.store(1, std::memory_order_release);
}

Status check_header(const SegmentHeader &header, std::uint64_t file_bytes) {
  if (header.magic != kMagic) return base::failure(Code::kInvalidArgument, "this is not a Mobula segment");
  if (header.layout_version != kLayoutVersion || header.layout_fingerprint != layout_fingerprint()) {
    return base::failure(
        Code::kInvalidArgument,
        fmt::format(
            "the session was started by another build of Mobula: its segment has layout {} ({:08x}), this program "
            "needs {} ({:08x}); restart the session or rebuild the program",
            header.layout_version, header.layout_fingerprint, kLayoutVersion, layout_fingerprint()));
  }
  const Regions planned = plan_regions();
  if (header.regions.data != planned.data || header.log_records > base::kLogRecordsMax ||
      header.segment_bytes != planned.data + header.capacity_bytes || file_bytes < header.segment_bytes) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("the segment is truncated: {} bytes of {}", file_bytes, header.segment_bytes));
  }
  return nullptr;
}

void mark_private(const interprocess::mapped_region &region) {
  // A fork() in a client must not leave two processes that write as one; core dumps need no gigabytes of others'
  // objects.
  if (madvise(region.get_address(), region.get_size(), MADV_DONTFORK) != 0) base::throw_errno("madvise(MADV_DONTFORK)");
  if (madvise(region.get_address(), region.get_size(), MADV_DONTDUMP) != 0) base::throw_errno("madvise(MADV_DONTDUMP)");
}

void replace_by_empty(const interprocess::mapped_region &region) {
  if (region.get_size() == 0) return;
  void *const address = mmap(region.get_address(), region.get_size(), PROT_READ | PROT_WRITE,
                             MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) base::throw_errno("mmap over the segment");
}

}  // namespace

Status Segment::create(std::uint64_t capacity_bytes, std::unique_ptr<Segment> *segment, std::string *notice,
                       std::uint32_t log_records) {
  const std::uint64_t needed_bytes = capacity_bytes + kTablesBytesAtStart;
  const std::uint64_t available_bytes = memory_available_bytes();
  if (capacity_bytes < base::kCapacityBytesMin || needed_bytes > available_bytes) {
    return base::failure(
        Code::kInvalidArgument,
        fmt::format("an object store of {} was asked for; the least is {}, and this machine has {} of memory available "
                    "({} of it would go to tables): change --memory",
                    base::format_bytes(capacity_bytes), base::format_bytes(base::kCapacityBytesMin),
                    base::format_bytes(available_bytes), base::format_bytes(kTablesBytesAtStart)));
  }
  std::unique_ptr<Segment> created(new Segment);
  created->file_ = open_nameless(needed_bytes, notice);
  const Regions regions = plan_regions();
  const auto segment_bytes = static_cast<off_t>(regions.data + round_to_pages(capacity_bytes));
  if (ftruncate(created->file_.get(), segment_bytes) != 0) base::throw_errno("ftruncate of the segment");
  if (Status status = created->reserve(0, kPageBytes)) return status;
  if (Status status = created->reserve(regions.victims, kHistoryBytes)) return status;
  if (log_records != 0) {
    if (Status status = created->reserve(regions.log, log_bytes(log_records))) return status;
  }
  created->map(capacity_bytes, log_records, regions);
  fill_header(&created->header(), capacity_bytes, log_records, regions);
  created->is_owner_ = true;
  *segment = std::move(created);
  return nullptr;
}

Status Segment::attach(base::File file, std::unique_ptr<Segment> *segment) {
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) base::throw_errno("fstat of the segment");
  const auto file_bytes = static_cast<std::uint64_t>(facts.st_size);
  if (file_bytes < kPageBytes)
    return base::failure(Code::kInvalidArgument, "this is not a Mobula segment: it is empty");
  std::uint64_t capacity_bytes = 0;
  std::uint32_t log_records = 0;
  {
    const interprocess::mapped_region first(Mappable(file.get()), interprocess::read_only, 0, kPageBytes);
    const auto &header = *static_cast<const SegmentHeader *>(first.get_address());
    if (Status status = check_header(header, file_bytes)) return status;
    capacity_bytes = header.capacity_bytes;
    log_records = std::min(header.log_records, base::kLogRecordsMax);
  }
  std::unique_ptr<Segment> attached(new Segment);
  attached->file_ = std::move(file);
  attached->map(capacity_bytes, log_records, plan_regions());
  *segment = std::move(attached);
  return nullptr;
}

void Segment::map(std::uint64_t capacity_bytes, std::uint32_t log_records, const Regions &regions) {
  const Mappable mappable(file_.get());
  const auto data_position = static_cast<interprocess::offset_t>(regions.data);
  const auto options = static_cast<interprocess::map_options_t>(MAP_SHARED | MAP_NORESERVE);
  regions_ = regions;
  capacity_bytes_ = capacity_bytes;
  log_records_ = log_records;
  tables_region_ = interprocess::mapped_region(mappable, interprocess::read_write, 0, regions.data, nullptr, options);
  readable_region_ =
      interprocess::mapped_region(mappable, interprocess::read_only, data_position, capacity_bytes, nullptr, options);
  writable_region_ =
      interprocess::mapped_region(mappable, interprocess::read_write, data_position, capacity_bytes, nullptr, options);
  for (const auto *region : {&tables_region_, &readable_region_, &writable_region_}) mark_private(*region);
  tables_ = static_cast<std::byte *>(tables_region_.get_address());
  readable_ = static_cast<const std::byte *>(readable_region_.get_address());
  writable_ = static_cast<std::byte *>(writable_region_.get_address());
  window_.close(writable_, capacity_bytes);
}

void Segment::detach() {
  for (const auto *region : {&tables_region_, &readable_region_, &writable_region_}) replace_by_empty(*region);
  file_.reset();
}

Status Segment::reserve(std::uint64_t offset, std::uint64_t bytes) {
  int code = EINTR;
  while (code == EINTR) code = posix_fallocate(file_.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes));
  if (code == 0) return nullptr;
  if (code != ENOSPC && code != ENOMEM) {
    errno = code;
    base::throw_errno("posix_fallocate of the segment");
  }
  return base::failure(Code::kStoreFull,
                       fmt::format("{} of shared memory could not be reserved: {} free in {}, {} of memory available",
                                   base::format_bytes(bytes), base::format_bytes(shared_memory_free_bytes()),
                                   kSharedMemoryFolder, base::format_bytes(memory_available_bytes())));
}

// Of what a failed step had reserved: the figures of the header stay those of the kernel.
void Segment::give_back(std::uint64_t offset, std::uint64_t bytes) {
  if (fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                static_cast<off_t>(bytes)) != 0) {
    base::throw_errno("fallocate of the segment");
  }
}

std::uint64_t Segment::set_array_position(std::uint32_t group, std::uint32_t set, std::uint32_t entry) const {
  const auto *word = reinterpret_cast<std::byte *>(&set_word(static_cast<Set>(set), group, entry));
  return static_cast<std::uint64_t>(word - tables_);
}

// All of it or nothing.
Status Segment::reserve_set_arrays(std::uint32_t first_group, std::uint32_t last_group, std::uint32_t first_entry,
                                   std::uint32_t last_entry) {
  const auto bytes = static_cast<std::uint64_t>(last_entry - first_entry) * sizeof(Word);
  if (bytes == 0) return nullptr;
  std::vector<std::uint64_t> done;
  for (std::uint32_t group = std::max(first_group, 1u); group < last_group; ++group) {
    for (std::uint32_t set = 0; set < kSetsCount; ++set) {
      const std::uint64_t position = set_array_position(group, set, first_entry);
      if (Status status = reserve(position, bytes)) {
        for (const std::uint64_t reserved : done) give_back(reserved, bytes);
        return status;
      }
      done.push_back(position);
    }
  }
  return nullptr;
}

Status Segment::reserve_entries(std::uint32_t entries) {
  std::uint32_t reserved = entries_reserved();
  while (reserved < entries) {
    const std::uint64_t position = regions_.entries + sizeof(EntryHeader) * static_cast<std::uint64_t>(reserved);
    const std::uint32_t next = reserved + base::kEntriesPerChunk;
    if (Status status = reserve(position, sizeof(EntryHeader) * base::kEntriesPerChunk)) return status;
    if (Status status = reserve_set_arrays(1, groups_live(), reserved, next)) {
      give_back(position, sizeof(EntryHeader) * base::kEntriesPerChunk);
      return status;
    }
    // release: whoever reads the new count finds the memory there.
    header().entries_reserved.store(next, std::memory_order_release);
    reserved = own_entries_ = next;
  }
  return nullptr;
}

Status Segment::reserve_groups(std::uint32_t groups) {
  const std::uint32_t live = groups_live();
  if (groups <= live) return nullptr;
  if (Status status = reserve_set_arrays(live, groups, 0, entries_reserved())) return status;
  own_groups_ = groups;
  header().groups_live.store(groups, std::memory_order_release);
  return nullptr;
}

Status Segment::reserve_client(std::uint32_t id) {
  if (Status status = reserve_groups(id / base::kClientsPerGroup + 1)) return status;
  if (id < own_clients_) return nullptr;
  const std::uint64_t rings_position = regions_.rings + sizeof(ClientRings) * id;
  if (Status status = reserve(rings_position, sizeof(ClientRings))) return status;
  if (Status status = reserve(regions_.clients + sizeof(ClientSlot) * id, sizeof(ClientSlot))) {
    give_back(rings_position, sizeof(ClientRings));
    return status;
  }
  own_clients_ = id + 1;
  header().clients_reserved.store(own_clients_, std::memory_order_release);
  return nullptr;
}

Status Segment::reserve_names(std::uint32_t records) {
  if (records <= own_names_) return nullptr;
  const std::uint64_t begin = own_names_ == 0 ? 0 : kNameBucketsBytes + sizeof(NameRecord) * own_names_;
  const std::uint64_t end = kNameBucketsBytes + sizeof(NameRecord) * static_cast<std::uint64_t>(records);
  if (Status status = reserve(regions_.names + begin, end - begin)) return status;
  own_names_ = records;
  header().names_reserved.store(records, std::memory_order_release);
  return nullptr;
}

std::uint64_t Segment::kernel_bytes() const {
  constexpr std::uint64_t kBlockBytes = 512;  // man 2 stat
  struct stat facts {};
  if (fstat(file_.get(), &facts) != 0) base::throw_errno("fstat of the segment");
  return static_cast<std::uint64_t>(facts.st_blocks) * kBlockBytes;
}

}  // namespace mobula::segment
