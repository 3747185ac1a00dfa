#include "client/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/crash_points.h"
#include "base/units.h"
#include "refs/object_id.h"
#include "refs/waiters.h"
#include "segment/bell.h"

namespace mobula::client {
namespace {

static_assert(kHeaderValueBytesMax == segment::kInlineBytes);

std::int64_t put_timeout_from_environment() {
  const char *text = std::getenv("MOBULA_PUT_TIMEOUT_MS");
  if (text == nullptr || text[0] == '\0') return base::kPutTimeoutMsDefault;
  char *end = nullptr;
  const long long value = std::strtoll(text, &end, 10);
  return *end == '\0' && value >= 0 ? value : base::kPutTimeoutMsDefault;
}

Status raylet_died() {
  return base::failure(Code::kRayletDied,
                       "the raylet of this session has died or was stopped: call ray::Shutdown, then "
                       "ray::Init to start or join another session");
}

}  // namespace

Status Session::attach(base::File socket, wire::Hello hello, const std::vector<int> &descriptors,
                       std::unique_ptr<Session> *session) {
  hello.layout_version = segment::kLayoutVersion;
  hello.layout_fingerprint = segment::layout_fingerprint();
  if (Status status = wire::send(socket.get(), hello, descriptors)) return status;
  wire::Message answer;
  std::vector<base::File> received;
  if (Status status = wire::receive(socket.get(), &answer, &received)) return status;
  if (const auto *refused = std::get_if<wire::Refused>(&answer)) {
    return base::failure(Code::kInvalidArgument, refused->message);
  }
  const auto *welcome = std::get_if<wire::Welcome>(&answer);
  if (welcome == nullptr || received.size() != 2 || welcome->client_id >= base::kClientsMax) {
    return base::failure(Code::kInvalidArgument, "the raylet's welcome is incomplete");
  }
  std::unique_ptr<Session> attached(new Session);
  if (Status status = segment::Segment::attach(std::move(received[0]), &attached->segment_)) return status;
  attached->name_ = welcome->session;
  attached->client_id_ = welcome->client_id;
  attached->pid_ = static_cast<std::uint32_t>(getpid());
  attached->socket_ = std::move(socket);
  attached->put_timeout_ms_ = put_timeout_from_environment();
  attached->open_rings(std::move(received[1]));
  *session = std::move(attached);
  return nullptr;
}

void Session::open_rings(base::File raylet_event) {
  segment::ClientSlot &slot = segment_->client(client_id_);
  references_ = std::make_unique<refs::References>(*segment_, client_id_);
  for (std::uint32_t chunk = 0; chunk < slot.row_chunks; ++chunk) {
    references_->rows().add_chunk(segment_->rows(slot.row_offsets[chunk]));
  }
  const bool has_own_life = slot.life.load(std::memory_order_acquire) != 0;
  waiter_ = std::make_unique<Waiter>(slot, has_own_life ? slot.life : segment_->header().life);
  outbox_ = std::make_unique<Outbox>(*segment_, client_id_, *waiter_, std::move(raylet_event));
  activities_ = std::make_unique<Activities>(*segment_, client_id_, pid_);
  pools_ = std::make_unique<Pools>(*segment_, client_id_, *references_, *outbox_);
  weak_names_ = std::make_unique<WeakNames>(*outbox_);
}

Session::Session() = default;
Session::~Session() = default;

void Session::leave() {
  if (!live_.exchange(false)) return;
  // Late handles find empty memory at the old addresses; without any, the addresses are given back.
  if (handles_alive() != 0)
    segment_->detach();
  else
    segment_.reset();
  static_cast<void>(wire::send(socket_.get(), wire::Goodbye{}));  // a dead raylet needs none
  socket_.reset();
  outbox_->close();
}

Status Session::usable() const {
  if (!is_live()) return base::failure(Code::kNotInitialized, "this process is in no session: call ray::Init first");
  if (segment::raylet_died(segment_->header().life)) return raylet_died();
  if (segment_->client(client_id_).expelled.load(std::memory_order_relaxed) == 0) return nullptr;
  return base::failure(Code::kRayletDied,
                       "the raylet has disconnected this process (its log says why): call ray::Shutdown");
}

Status Session::own(const Reference &reference) const {
  if (Status status = usable()) return status;
  if (reference.session_ == this) return nullptr;
  return base::failure(Code::kObjectLost, reference.row_ == nullptr
                                              ? "the reference is empty: it names no object"
                                              : "the reference belongs to a session that this process has left");
}

// A dead raylet has read all that it will ever read.
void Session::find_leaks(Leaks *leaks) {
  wire::StatusReply reply;
  static_cast<void>(ask(wire::StatusRequest{}, &reply));
  *leaks = client::find_leaks(*segment_, client_id_);
}

// --- entries ---------------------------------------------------------------------------------------------------------

Status Session::pop_entry(std::uint64_t bytes, PooledEntry *pooled) {
  if (bytes > segment_->capacity_bytes()) {
    return base::failure(Code::kTooLarge,
                         fmt::format("an object of {} can never fit: the store holds {} in all (change --memory or "
                                     "MOBULA_MEMORY)",
                                     base::format_bytes(bytes), base::format_bytes(segment_->capacity_bytes())));
  }
  if (std::optional<PooledEntry> found = pools_->pop(bytes)) {
    *pooled = *found;
    return nullptr;
  }
  return wait_for_entry(bytes, pooled);
}

// The slow way: ask, and sleep until the grant, the refusal or the put deadline comes.
Status Session::wait_for_entry(std::uint64_t bytes, PooledEntry *pooled) {
  const std::int64_t started_ns = base::monotonic_ns();
  const std::int64_t deadline_ns = base::deadline_after_ms(put_timeout_ms_);
  std::uint32_t ticket = pools_->request(bytes);
  std::optional<PooledEntry> found;
  std::optional<Code> refusal;
  const auto arrived = [&] {
    pools_->collect_grants();
    found = pools_->pop(bytes);
    if (!found) refusal = pools_->take_refusal(ticket);
    if (!found && !refusal) ticket = pools_->request(bytes, ticket);
    return found.has_value() || refusal.has_value();
  };
  const segment::Wake wake =
      waiter_->wait_until(arrived, deadline_ns, [&] { pools_->give_back_all_but(objects::class_of(bytes)); });
  if (found) {
    *pooled = *found;
    return nullptr;
  }
  if (wake == segment::Wake::kRayletDied) return raylet_died();
  if (wake == segment::Wake::kTimeout) {
    pools_->withdraw(ticket);
    segment::ring_if_asleep(segment_->client(client_id_));  // another thread may wait on the same request: it asks anew
  }
  if (refusal == Code::kLimitReached) {
    return base::failure(Code::kLimitReached,
                         fmt::format("the session holds its limit of {} objects: release some", base::kEntriesMax));
  }
  return full_store_error(bytes, (base::monotonic_ns() - started_ns) / base::kNanosecondsPerMillisecond);
}

Status Session::full_store_error(std::uint64_t bytes, std::int64_t waited_ms) {
  wire::HoldersReply reply;
  const std::lock_guard lock(socket_mutex_);
  if (Status status = wire::ask(socket_.get(), wire::HoldersRequest{}, &reply)) return status;
  return base::failure(Code::kStoreFull, fmt::format("the object store is full: no room for {} came within {} ms; {}",
                                                     base::format_bytes(bytes), waited_ms, reply.message));
}

Status Session::begin_entry(std::uint64_t bytes, refs::State state, segment::Row **row) {
  for (;;) {
    PooledEntry pooled;
    if (Status status = pop_entry(bytes, &pooled)) return status;
    while (pooled.row == nullptr) {
      const std::uint32_t chunks = references_->rows().chunks();
      pooled.row = references_->open(pooled.entry);  // C2
      if (pooled.row != nullptr) break;
      if (Status status = wait_for_rows(chunks)) return status;
    }
    if (references_->begin(*pooled.row, state)) {  // C3
      base::crash_point(base::CrashPoint::kCreateBegun);
      *row = pooled.row;
      return nullptr;
    }
    pools_->give_back(pooled);  // the raylet has withdrawn it
  }
}

Status Session::wait_for_rows(std::uint32_t chunks_before) {
  if (chunks_before == base::kRowChunksMax) {
    return base::failure(Code::kLimitReached, fmt::format("this process holds its limit of {} objects at once",
                                                          refs::rows_before_chunk(base::kRowChunksMax)));
  }
  bool refused = false;
  pools_->request_rows();
  const segment::Wake wake = waiter_->wait_until(
      [&] {
        pools_->collect_grants();
        refused = pools_->take_rows_refusal();
        return refused || references_->rows().chunks() > chunks_before;
      },
      base::deadline_after_ms(put_timeout_ms_));
  if (wake == segment::Wake::kRung && !refused) return nullptr;
  if (wake == segment::Wake::kRayletDied) return raylet_died();
  return base::failure(Code::kLimitReached,
                       fmt::format("no room for more handles: all clients together may have {} of handle rows",
                                   base::format_bytes(base::kRowPoolBytes)));
}

// --- writing ---------------------------------------------------------------------------------------------------------

Status Session::create(std::uint64_t bytes, Format format, segment::Kind kind, Draft *draft, const CallSite *site) {
  if (Status status = usable()) return status;
  segment::Row *row = nullptr;
  if (Status status = begin_entry(bytes, refs::State::kCreating, &row)) return status;
  segment::EntryHeader &header = segment_->entry(refs::References::entry_of(*row));
  header.size = bytes;
  header.format = format;
  header.kind = kind;
  header.creator_pid = pid_;
  header.site = row->site = references_->site(site);
  header.created_ns = base::coarse_ns();
  references_->log_made(segment::Event::kCreate, refs::References::name_of(*row));
  base::crash_point(base::CrashPoint::kCreateDescribed);
  draft->session_ = this;
  draft->row_ = row;
  draft->bytes_ = bytes;
  draft->format_ = format;
  const std::uint64_t offset = header.offset;  // read once: a stray store of somebody may have hit it
  const bool is_inline = offset == segment::kInlineOffset;
  if (is_inline ? bytes > segment::kInlineBytes : !segment_->contains(offset, bytes)) {
    *draft = Draft();
    return base::failure(Code::kObjectLost,
                         fmt::format("the header of a free entry is damaged: offset {} for {} bytes", offset, bytes));
  }
  draft->data_ = is_inline ? header.inline_bytes : segment_->writable(offset, bytes);
  return nullptr;
}

Status Session::seal(Draft &&draft, std::span<const Reference> contained, Reference *reference) {
  if (Status status = usable()) return status;
  if (draft.session_ != this) return base::failure(Code::kInvalidArgument, "the draft is empty or of another session");
  segment::Row *const row = std::exchange(draft.row_, nullptr);
  draft.session_ = nullptr;
  const std::uint32_t entry = refs::References::entry_of(*row);
  if (!contained.empty()) {
    // The raylet is told before the seal, so that whoever opens the object finds what it contains (rule 17).
    refs::References::share(*row);
    send_contained(refs::References::name_of(*row), shared_names(contained));
  }
  *reference = Reference(this, row);
  if (!references_->settle(*row, refs::State::kSealed)) {
    return base::failure(Code::kObjectLost, "the object was failed by the raylet before it was sealed");
  }
  base::crash_point(base::CrashPoint::kCreateSettled);
  refs::ring_waiters(*segment_, entry);
  return nullptr;
}

Status Session::seal_failed(Draft &&draft, Reference *reference) {
  if (Status status = usable()) return status;
  if (draft.session_ != this) return base::failure(Code::kInvalidArgument, "the draft is empty or of another session");
  draft.session_ = nullptr;
  segment::Row *const row = std::exchange(draft.row_, nullptr);
  *reference = Reference(this, row);
  if (references_->settle(*row, refs::State::kFailed)) return nullptr;
  return base::failure(Code::kObjectLost, "the object was failed by the raylet before it was sealed");
}

Status Session::seal_buffer(Draft &&draft, Reference *reference) {
  if (draft.session_ == this) segment_->entry(refs::References::entry_of(*draft.row_)).kind = segment::Kind::kBuffer;
  return seal(std::move(draft), {}, reference);
}

std::vector<refs::ObjectName> Session::shared_names(std::span<const Reference> references) {
  std::vector<refs::ObjectName> names;
  names.reserve(references.size());
  for (const Reference &reference : references) {
    refs::References::share(*reference.row_);
    names.push_back(name_of(reference));
  }
  return names;
}

void Session::send_contained(refs::ObjectName container, std::span<const refs::ObjectName> contained) {
  for (std::size_t first = 0; first < contained.size(); first += wire::kNamesPerContains) {
    segment::RingSlot slot = wire::slot_of(wire::ToRaylet::kContains);
    slot.count = static_cast<std::uint32_t>(std::min<std::size_t>(wire::kNamesPerContains, contained.size() - first));
    wire::put_name(&slot, 0, container);
    for (std::uint32_t i = 0; i < slot.count; ++i) {
      wire::put_name(&slot, (i + 1) * wire::kWordsPerName, contained[first + i]);
    }
    outbox_->send(slot, Outbox::Urgency::kWhenConvenient);
  }
  base::crash_point(base::CrashPoint::kContainsSent);
}

void Session::abort(Draft &draft) noexcept {
  segment::Row *const row = std::exchange(draft.row_, nullptr);
  draft.session_ = nullptr;
  if (!is_live()) return;
  const PooledEntry entry{refs::References::entry_of(*row), row};
  if (!references_->abandon(*row)) return drop_handle(*row);
  keep_or_return(entry);
}

// --- handles ---------------------------------------------------------------------------------------------------------

void Session::drop_handle(segment::Row &row) noexcept {
  if (!is_live()) return;
  std::uint32_t entry = 0;
  switch (references_->release(row, &entry)) {
    case refs::References::Release::kHeld:
      return;
    case refs::References::Release::kLast: {
      const segment::EntryHeader &header = segment_->entry(entry);
      return outbox_->hint(entry, header.offset == segment::kInlineOffset ? 0 : header.capacity_bytes);
    }
    case refs::References::Release::kRecycled:
      return keep_or_return({entry, &row});
  }
}

// A recycled entry goes to our pool, unless somebody waits for space.
void Session::keep_or_return(const PooledEntry &entry) {
  // seq_cst, after the recycling CAS: either we see the pressure, or the raylet's sweep sees the entry FREE.
  const bool wanted = segment_->header().pressure.load(std::memory_order_seq_cst) == 0;
  if (wanted && pools_->push(entry)) return;
  pools_->give_back(entry);
  if (!wanted || segment_->entry(entry.entry).offset != segment::kInlineOffset) outbox_->wake_raylet();
}

Status Session::take_name(refs::ObjectName name, segment::Row **row) {
  if (name.entry >= segment_->entries_reserved()) {
    return base::failure(Code::kObjectLost, "no object of this session has that id");
  }
  for (;;) {
    const std::uint32_t chunks = references_->rows().chunks();
    switch (references_->take(name, row)) {
      case refs::References::Take::kTaken:
        return nullptr;
      case refs::References::Take::kGone:
        outbox_->hint(name.entry, 0);  // our bit may have kept the raylet from freeing its present tenant
        return base::failure(Code::kObjectLost, "the object is gone: its last reference was dropped");
      case refs::References::Take::kNoRow:
        if (Status status = wait_for_rows(chunks)) return status;
    }
  }
}

Reference Session::take(refs::ObjectName name) {
  segment::Row *row = nullptr;
  if (!is_live() || take_name(name, &row) != nullptr) return {};
  return Reference(this, row);
}

Reference Session::take(std::string_view id) {
  if (!is_live()) return {};
  const std::optional<refs::ObjectName> name = refs::decode_id(segment_->header().epoch, id);
  return name ? take(*name) : Reference();
}

std::string Session::id_of(const Reference &reference) const {
  if (reference.row_ == nullptr || !is_live()) return {};
  refs::References::share(*reference.row_);  // P4: before any byte of the id leaves the process
  return refs::encode_id(segment_->header().epoch, name_of(reference));
}

Status Session::pin(const Reference &reference) {
  if (Status status = own(reference)) return status;
  refs::References::share(*reference.row_);
  references_->pin(*reference.row_);
  return nullptr;
}

Status Session::unpin(const Reference &reference) {
  if (Status status = own(reference)) return status;
  if (!references_->unpin(*reference.row_)) {
    return base::failure(Code::kInvalidArgument, "unpin: this process has no pin on the object");
  }
  drop_handle(*reference.row_);
  return nullptr;
}

Status Session::delete_object(Reference reference, bool *deleted) {
  if (Status status = own(reference)) return status;
  refs::References::share(*reference.row_);
  const refs::ObjectName name = name_of(reference);
  reference = Reference();
  wire::DeleteReply reply;
  if (Status status = ask(wire::DeleteRequest{name.entry, name.generation}, &reply)) return status;
  *deleted = reply.deleted;
  return nullptr;
}

}  // namespace mobula::client
