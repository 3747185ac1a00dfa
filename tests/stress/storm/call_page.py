"""What a driver shows while it runs: tests/stress/call_page.h."""
import mmap
import struct

ANSWERS_MAX = 1000
# call started, deadline, operation, calls, worker errors, lost, other errors, kill, answers
HEAD = struct.Struct('<QIIQQQQQI')
KILL_AT = 48
BYTES = HEAD.size + 4 * ANSWERS_MAX


class CallPage:
    def __init__(self, path):
        self.path = path
        with open(path, 'w+b') as file:
            file.truncate(BYTES)
            self.memory = mmap.mmap(file.fileno(), BYTES)

    def clear(self):
        self.memory[:] = bytes(BYTES)

    def read(self):
        """Started (ns, 0 = no call), deadline in ms, operation of the running call, and the counts."""
        started, deadline_ms, operation, calls, worker_errors, lost, other, _, answers = HEAD.unpack_from(self.memory)
        return {'started_ns': started, 'deadline_ms': deadline_ms, 'operation': operation, 'calls': calls,
                'worker_errors': worker_errors, 'lost': lost, 'other_errors': other, 'answers': answers}

    def overdue_ms(self, now_ns, grace_ms):
        """How long the running call is past its deadline and the grace; 0 when it is not."""
        started, deadline_ms = struct.unpack_from('<QI', self.memory)
        if started == 0 or deadline_ms == 0:
            return 0
        return max(0, (now_ns - started) // 1_000_000 - deadline_ms - grace_ms)

    def announce_kill(self, now_ns):
        struct.pack_into('<Q', self.memory, KILL_AT, now_ns)

    def answers_us(self):
        count = min(self.read()['answers'], ANSWERS_MAX)
        return list(struct.unpack_from(f'<{count}I', self.memory, HEAD.size))

    def close(self):
        self.memory.close()
