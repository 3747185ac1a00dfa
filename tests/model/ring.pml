/* ring.pml: one ring whose both ends sleep (docs/reference-rules.md, S2..S6 and rule 26).
 *
 * Steps    Producer (a client): S2 full: read the bell, count in by a locked instruction, read the head again, sleep;
 *          S3, S4 slot and tail; S5 full fence; S6 the raylet sleeps: its eventfd. Consumer (the raylet): empty:
 *          exchange its flag, read the tail again, sleep on the eventfd or the pidfd; take; head; full fence; a
 *          producer waits for room: ring.
 * World    Head and tail are plain stores that lie in a store buffer. The producer may be killed at any step; the pidfd
 *          tells the raylet.
 * Bounds   One place, MESSAGES messages.
 *
 * Broken
 *   NO_TAIL_FENCE    without S5
 *   NO_HEAD_FENCE    without the raylet's fence
 *   PLAIN_SLEEP      the raylet sets its flag by a plain store
 *   NO_ROOM_RING     the raylet does not ring who waits for room
 *   NO_PIDFD         a producer killed between tail and eventfd is not noticed
 */
#ifndef MESSAGES
#define MESSAGES 3
#endif
byte tail, head, own_tail, own_head;           /* visible to all; private to the producer, to the raylet */
bit  room_waiter, raylet_sleeping, asleep, event; byte bell;
bit  dead, finished, buffered_flag;
#define DRAINED_PRODUCER (tail==own_tail)
#define DRAINED_RAYLET   (head==own_head)

proctype producer() {
  byte seen;
  { do
    :: own_tail==MESSAGES -> break
    :: own_tail<MESSAGES ->
       do                                                                                /* S2 */
       :: own_tail-head<1 -> break
       :: own_tail-head>=1 ->
          seen=bell; atomic { DRAINED_PRODUCER -> room_waiter=1 };
          if
          :: own_tail-head<1
          :: own_tail-head>=1 -> atomic { if :: bell==seen -> asleep=1 :: else fi; seen=0 }; !asleep
          fi;
          room_waiter=0
       od;
       atomic { DRAINED_PRODUCER -> own_tail++ };                                        /* S3, S4 */
#ifndef NO_TAIL_FENCE
       DRAINED_PRODUCER;                                                                 /* S5 */
#endif
       if :: raylet_sleeping -> event=1 :: !raylet_sleeping fi                           /* S6 */
    od } unless { dead };
end: atomic { DRAINED_PRODUCER -> finished=1 }
}

proctype raylet() {
  do
  :: own_head!=tail -> atomic { DRAINED_RAYLET -> own_head++ };
#ifndef NO_HEAD_FENCE
     DRAINED_RAYLET;
#endif
#ifndef NO_ROOM_RING
     if :: room_waiter -> bell=(bell+1)%4; asleep=0 :: !room_waiter fi
#endif
  :: own_head==tail ->
     if :: finished && own_head==tail -> break :: else fi;
#ifdef PLAIN_SLEEP
     buffered_flag=1;
#else
     atomic { DRAINED_RAYLET -> raylet_sleeping=1 };
#endif
     if :: own_head!=tail :: own_head==tail -> event; event=0 fi;
#ifdef PLAIN_SLEEP
     !buffered_flag;
#endif
     raylet_sleeping=0
  od;
  assert(own_head==own_tail)                   /* what was published was read */
}

proctype store_buffers() {
end: do
  :: atomic { tail!=own_tail -> tail=own_tail }
  :: atomic { head!=own_head -> head=own_head }
  :: atomic { buffered_flag -> raylet_sleeping=1; buffered_flag=0 }
  od
}
proctype fate() { if :: dead=1 :: skip fi }
proctype pidfd() {
end: finished;
#ifndef NO_PIDFD
  event=1
#endif
}

init { atomic { run producer(); run raylet(); run store_buffers(); run fate(); run pidfd() } }
