"""Bugs to be caught: each is one change of the source, and the test that must fail with it.

`old` must occur exactly once in `file`, so that a bug which no longer fits the source is an error, not a pass. `test` is
the meson test that must fail; `case`, when given, restricts it to test cases with that name (a doctest filter).
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Bug:
    name: str
    file: str
    old: str
    new: str
    test: str
    case: str = ''


BUGS = [
    Bug('a take of what is gone is not undone', 'lib/refs/references.cc',
        '  release_shared(*counted, &entry);  // T7', '  static_cast<void>(entry);  // T7',
        'refs', 'a stale, future or free name*'),
    Bug('an undo clears the bit directly', 'lib/refs/references.cc',
        '  release_shared(*counted, &entry);  // T7',
        '  counted->count.fetch_sub(1); entry = name.entry;\n'
        '  own_word(segment::Set::kHolders, entry).fetch_and(~bit_);  // T7',
        'refs', 'a stale, future or free name*'),
    Bug('settling is a plain store', 'lib/refs/references.cc',
        '.state.compare_exchange_strong(expected, pack(state, client_id_, generation), std::memory_order_seq_cst);\n}\n\n// P1',
        '.state.exchange(pack(state, client_id_, generation), std::memory_order_seq_cst) == expected;\n}\n\n// P1',
        'refs', 'an aborted creation*,a created object*,a pending result*'),
    Bug('the verdict is a plain store', 'lib/refs/evict.cc',
        'if (!header.state.compare_exchange_strong(flagged, freed, std::memory_order_seq_cst)) return false;',
        'header.state.store(freed, std::memory_order_seq_cst);',
        'refs', 'a take under eviction rescues*'),
    Bug('EVICTING counts as gone', 'lib/refs/references.cc',
        'while (names(word, name.generation)) {', 'while (names(word, name.generation) && !is_evicting(word)) {',
        'refs', 'a take under eviction rescues*'),
    Bug('a recycled entry keeps its generation', 'lib/refs/references.cc',
        'const std::uint64_t freed = pack(State::kFree, kRayletWriter, next_generation(generation));',
        'const std::uint64_t freed = pack(State::kFree, kRayletWriter, generation);',
        'refs', 'an entry that nobody was told of*'),
    Bug('what others were told of is recycled', 'lib/refs/references.cc',
        'if (row.shared.load(std::memory_order_relaxed) == 0 && row.count', 'if (row.count',
        'refs', 'an object that somebody was told of*'),
    Bug("unpin takes everybody's pins off", 'lib/refs/references.cc',
        'own_word(segment::Set::kPins, entry).fetch_and(~bit_, std::memory_order_seq_cst);',
        'own_word(segment::Set::kPins, entry).exchange(0, std::memory_order_seq_cst);',
        'pins'),
    Bug('pins do not keep an object', 'lib/objects/eviction_policy.h',
        'return refs::is_settled(facts.state) && !facts.held && !facts.pinned && facts.raylet_refs == 0 && !facts.retained;',
        'return refs::is_settled(facts.state) && !facts.held && facts.raylet_refs == 0 && !facts.retained;',
        'objects'),
    Bug('the second look at the bits is left out', 'raylet/store.cc',
        'if (!refs::is_referenced(segment_, entry, segment_.groups_live())) {', 'if (entry != segment::kNoEntry) {',
        'crash'),
    Bug('no ring is drained before the verdict', 'raylet/store.cc',
        '  drain();  // E5', '  static_cast<void>(drain);  // E5',
        'raylet', 'a message that is drained between look and verdict*'),
    Bug('the references of an object stay when it is freed', 'raylet/store.cc',
        '  refs::clear_waiters(segment_, entry);\n  drop_contained(entry);', '  refs::clear_waiters(segment_, entry);',
        'raylet', 'a container keeps what it contains*'),
    Bug('arguments of a queued task are not held', 'raylet/tasks.cc',
        'const bool held = store_.add_ref(name);', 'const bool held = store_.is_named(name);',
        'raylet', 'the raylet keeps arguments*'),
    Bug('what a container holds is not told', 'lib/client/session.cc',
        '    send_contained(refs::References::name_of(*row), shared_names(contained));\n', '', 'references'),
    Bug('a lost wake: settling rings nobody', 'lib/refs/waiters.cc',
        'segment::ring_if_asleep(segment.client(group * base::kClientsPerGroup + bit));', 'static_cast<void>(bit);',
        'raylet', 'the raylet fails an unsettled object once*'),
    Bug('a lost wake: a death rings nobody', 'raylet/deaths.cc',
        '      ring_all();\n', '', 'crash'),
    Bug('the dead one is judged before its ring is read', 'raylet/deaths.cc',
        '  drain_all();  // others may have finished what belongs to it\n  while (drain(dead)) {\n  }\n', '',
        'crash'),
    Bug('the bits of the dead stay', 'raylet/store.cc',
        '    clear_bits(client, entry);\n    suggest(entry);', '    suggest(entry);',
        'raylet', 'after a death nothing of a client is left*'),
    Bug('the pins of the dead stay', 'raylet/store.cc',
        '{segment::Set::kPins, segment::Set::kWaiters, segment::Set::kHolders}',
        '{segment::Set::kWaiters, segment::Set::kHolders}',
        'raylet', 'after a death nothing of a client is left*'),
    Bug('what the dead left unsealed is freed at once', 'raylet/store.cc',
        'if (index_[entry].task == 0 && fail(name, verdict)) failed->push_back(name);',
        'segment_.entry(entry).state.store(refs::pack(State::kFree, 0, name.generation + 1)); recycle(entry); return;',
        'raylet', 'after a death nothing of a client is left*'),
    Bug('a settled result is made again after a death', 'raylet/tasks.cc',
        '  if (refs::is_settled(store_.word_of(result.entry))) {\n    scheduler_.task_finished(number);\n    return complete(*task);\n  }\n  const bool was',
        '  const bool was', 'raylet', 'a result that was settled before its worker died*'),
    Bug('a claim does not name its worker', 'lib/tasks/claim.h',
        'return static_cast<std::uint64_t>(claim) | static_cast<std::uint64_t>(worker) << 2 | generation << 14;',
        'return static_cast<std::uint64_t>(claim) | static_cast<std::uint64_t>(worker & 0) << 2 | generation << 14;',
        'tasks'),
    Bug('a child of a client acts as its parent', 'lib/client/session.h',
        'void abandon_after_fork() { live_.store(false, std::memory_order_relaxed); }', 'void abandon_after_fork() {}',
        'lifecycle', 'in a forked child handles do nothing*'),
    Bug('a retry too many', 'lib/tasks/scheduler.cc',
        '  tasks_[task].retries_left -= counts_as_retry ? 1 : 0;', '  static_cast<void>(counts_as_retry);', 'retries'),
    Bug('the segment is open in programs that a client starts', 'lib/wire/socket.cc',
        'recvmsg(socket, &header, MSG_CMSG_CLOEXEC)', 'recvmsg(socket, &header, 0)', 'inheritance'),
]
