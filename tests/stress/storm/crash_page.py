"""The page through which a test arms a crash point and sees who is in which window: lib/base/crash_points.h."""
import mmap
import pathlib
import re
import struct

POINTS_MAX = 96
SLOTS = 1024
HEAD = struct.Struct('<IIiI')  # armed point + 1, role, passes left, victim
PASSES = struct.Struct(f'<{POINTS_MAX}Q')
SLOT_WORDS = struct.Struct(f'<{2 * SLOTS}I')
PASSES_AT = HEAD.size
SLOTS_AT = PASSES_AT + PASSES.size
BYTES = SLOTS_AT + SLOT_WORDS.size + 8  # the signal that comes instead of SIGKILL, 0 for none; padding
ROLE_CLIENT = 1
ROLE_RAYLET = 2


def read_points(root):
    """Names of all points in order, and how many of them are clients'."""
    text = pathlib.Path(root, 'lib/base/crash_points.inc').read_text(encoding='utf-8')
    names = re.findall(r'^MOBULA_CRASH_POINT\((k\w+),', text, re.MULTILINE)
    return names, names.index('kRayletBound')


class CrashPage:
    def __init__(self, path):
        self.path = path
        with open(path, 'w+b') as file:
            file.truncate(BYTES)
            self.memory = mmap.mmap(file.fileno(), BYTES)

    def arm(self, point, passes, role=ROLE_CLIENT):
        """The process of that role that passes the point for the `passes`th time from now on dies there."""
        self.disarm()
        # The point last: it is what the processes look at first.
        struct.pack_into('<Ii', self.memory, 4, role, passes)
        struct.pack_into('<I', self.memory, 0, point + 1)

    def disarm(self):
        struct.pack_into('<I', self.memory, 0, 0)

    def victim(self):
        """Who died at the armed point; 0 = nobody, or forgotten."""
        return HEAD.unpack_from(self.memory)[3]

    def forget_victim(self):
        struct.pack_into('<I', self.memory, 12, 0)

    def passes(self):
        return PASSES.unpack_from(self.memory, PASSES_AT)

    def slots(self):
        """{pid: (slot, last point or None)} of every process that has passed a point."""
        words = SLOT_WORDS.unpack_from(self.memory, SLOTS_AT)
        pids = words[::2]
        return {pid: (number, words[2 * number + 1] - 1 if words[2 * number + 1] else None)
                for number, pid in enumerate(pids) if pid}

    def last_point(self, slot):
        point = struct.unpack_from('<I', self.memory, SLOTS_AT + 8 * slot + 4)[0]
        return point - 1 if point else None

    def give_back(self, slot, pid):
        """The slot of a process that is gone."""
        if struct.unpack_from('<I', self.memory, SLOTS_AT + 8 * slot)[0] == pid:
            struct.pack_into('<II', self.memory, SLOTS_AT + 8 * slot, 0, 0)

    def close(self):
        self.memory.close()
