/* raylet_death.pml: the raylet dies at any step of a verdict, a settle, a grant or a drain (docs/reference-rules.md,
 * rule 33; lib/segment/life.h). Whoever sleeps wakes, every later call throws, nobody waits for a flag that it left.
 *
 * Steps    The raylet, each once, in any order: E1, E3..E5, E7; K1..K4 of a result (a verdict); a grant: slot, tail,
 *          ring who sleeps; a drain: head, fence, ring who waits for room. Clients: look at the life word; T3..T7 with
 *          T6'; W1..W6 for a result, for a grant, for room in the ring, asleep on {bell, own life word}. The kernel,
 *          after the raylet's death: marks each life word of its list and wakes one sleeper of each, one word after
 *          another. Whoever comes back from sleeping and finds the word marked wakes all others of that word, and only
 *          then looks whether it has what it waits for.
 * World    Client 0 has two threads: one waits for the result, one for the grant. TAKER: instead client 1, which takes
 *          an object, then waits for room, and may be killed. Who was woken by the bell is in the queue of the
 *          life word until it runs again, so it may eat the kernel's one wake-up. Stores are in order; for store
 *          buffers see waiting.pml and ring.pml.
 * Bounds   One death of the raylet, one of client 1.
 * Ghosts   marked, late, has_object.
 *
 * Broken
 *   BELL_ONLY        a sleeper does not sleep on the life word
 *   NO_PASS_ON       the woken thread does not wake the others of its life word
 *   READY_FIRST      the woken thread returns with its result, and does not look at the life word
 *   NO_LOOK_BEFORE   a thread goes to sleep on a word that is marked already
 *   LOAD_LATE        the value to sleep on is loaded after the look: it may be the marked one
 *   NO_LOOK_AT_CALL  a call that need not wait does not look at the life word: it does not throw
 *   SHARED_LIFE      one life word for all clients: the one that was woken is killed before it could wake the others
 *   WAIT_VERDICT     T6' waits while EVICTING (rule 7)
 *   PLAIN_VERDICT    K1 before the verdict's fields: the raylet dies between them
 */
#define FREE 0
#define SEALED 1
/* result */
#define PENDING 0
#define FAILED 1

byte object=SEALED; bit evicting, held;           /* client 1 takes the object */
byte result; bit fields;                          /* fields: the verdict is written */
bit  waiter, granted, ring_full=1, room_waiter;
byte bell[2], sleepers[2];
bit  life[2], shared_life;                        /* marked: the raylet is dead */
bit  raylet_dead, killed;
bit  on_bell[3], on_life[3];                      /* thread t is in the kernel's queue of that word */
bit  done[3], has_object;
bit  marked;                                      /* ghost: the kernel is through */
#if defined(SHARED_LIFE)                          /* the grant, and room */
#define RUNS(t) ((t)>=1)
#elif defined(TAKER)
#define RUNS(t) ((t)==2)
#else
#define RUNS(t) ((t)<=1)
#endif
#define CLIENT(t) ((t)/2)
#ifdef SHARED_LIFE
#define LIFE(t) shared_life
#define SAME_LIFE(t,u) true
#else
#define LIFE(t) life[CLIENT(t)]
#define SAME_LIFE(t,u) (CLIENT(t)==CLIENT(u))
#endif
#define WAKE_ON_BELL(c) atomic { if :: c==0 -> on_bell[0]=0; on_bell[1]=0 :: else -> on_bell[2]=0 fi }
#define WAKE_ON_LIFE(t) atomic { \
    if :: SAME_LIFE(t,0) -> on_life[0]=0 :: else fi; \
    if :: SAME_LIFE(t,1) -> on_life[1]=0 :: else fi; \
    if :: SAME_LIFE(t,2) -> on_life[2]=0 :: else fi }
#define CALLS(t) (t==2 -> 2 : 1)
#define READY(t) ((t)==0 -> result!=PENDING : ((t)==1 -> granted : !ring_full))

#ifdef NO_PASS_ON
#define PASS_ON(t) skip
#else
#define PASS_ON(t) WAKE_ON_LIFE(t)
#endif

proctype client(byte t) {
  byte seen, calls; bit satisfied, threw, late, expected;
  {
    do
    :: calls<CALLS(t) ->
       atomic { calls++; late=marked };
#ifndef NO_LOOK_AT_CALL
       if :: shared_life -> threw=1; goto over :: else fi;
#endif
       if
       :: t==2 && calls==1 ->
          held=1;                                                                        /* T3 */
          if                                                                             /* T5 with each arm */
          :: atomic { object!=FREE && !evicting -> has_object=1 }                        /* T6 */
#ifndef WAIT_VERDICT
          :: atomic { object!=FREE && evicting -> evicting=0; has_object=1 }             /* T6' */
#endif
          :: object==FREE -> held=0                                                      /* T7 */
          fi; goto over
       :: t==2 && calls==2 -> room_waiter=1
       :: t==0 -> waiter=1                                                               /* W1 */
       :: t==1
       fi;
       do
       :: seen=bell[CLIENT(t)];                                                          /* W2 */
          sleepers[CLIENT(t)]++;                                                         /* W3 */
          satisfied=0;
          if                                                                             /* W4 */
          :: READY(t) -> satisfied=1; goto awake
          :: !READY(t)
          fi;
#ifndef LOAD_LATE
          expected=LIFE(t);
#endif
#ifndef NO_LOOK_BEFORE
          if :: LIFE(t) -> PASS_ON(t); threw=1; goto awake :: else fi;
#endif
#ifdef LOAD_LATE
          expected=LIFE(t);
#endif
          atomic { if :: bell[CLIENT(t)]==seen -> on_bell[t]=1 :: else -> goto back fi };        /* W5 */
#ifndef BELL_ONLY
          atomic { if :: LIFE(t)==expected -> on_life[t]=1 :: else -> goto back fi };
          (!on_bell[t] || !on_life[t]);
#else
          !on_bell[t];
#endif
back:     atomic { on_bell[t]=0; on_life[t]=0 };
#ifdef READY_FIRST
          if :: READY(t) -> satisfied=1; goto awake :: else fi;
#endif
          if :: LIFE(t) -> PASS_ON(t); threw=1 :: else fi;
awake:    sleepers[CLIENT(t)]--;                                                         /* W6 */
          if
          :: satisfied || READY(t) -> threw=0; break
          :: else -> if :: threw -> break :: else fi
          fi
       od;
       if :: t==0 && !threw -> assert(fields) :: t==2 -> room_waiter=0 :: else fi;
over:  atomic { assert(!late || threw); assert(!threw || raylet_dead);
                threw=0; late=0; seen=0; satisfied=0; expected=0 }
    :: calls==CALLS(t) -> break
    od
  } unless { t==2 && killed };
  atomic { on_bell[t]=0; on_life[t]=0; done[t]=1; if :: t==2 && killed -> has_object=0 :: else fi }
}

inline ring_if_asleep(c) {
  if :: sleepers[c]!=0 -> bell[c]=(bell[c]+1)%4; WAKE_ON_BELL(c) :: sleepers[c]==0 fi    /* K3, K4 */
}
/* the kernel: one sleeper of a life word */
#define WAKE_ONE(zero_or_one, two) atomic { \
    if \
    :: (zero_or_one) && on_life[0] -> on_life[0]=0 \
    :: (zero_or_one) && on_life[1] -> on_life[1]=0 \
    :: (two) && on_life[2] -> on_life[2]=0 \
    :: else \
    fi }

proctype raylet() {
  bit settled, gave, drained, judged;
  {
    do
    :: RUNS(0) && !settled -> settled=1;
#ifdef PLAIN_VERDICT
       result=FAILED; fields=1;
#else
       fields=1;
       result=FAILED;                                                                    /* K1 */
#endif
       if :: waiter -> ring_if_asleep(0) :: !waiter fi                                   /* K2 */
    :: RUNS(1) && !gave -> gave=1; granted=1; ring_if_asleep(0)
    :: RUNS(2) && !drained -> drained=1; ring_full=0;
       if :: room_waiter -> bell[1]=(bell[1]+1)%4; WAKE_ON_BELL(1) :: !room_waiter fi
    :: RUNS(2) && !judged -> judged=1;
       evicting=1;                                                                       /* E3 */
       if
       :: held -> evicting=0                                                             /* E4 */
       :: !held ->
          skip;                                                                          /* E5 */
          atomic { if :: evicting -> assert(!has_object); object=FREE; evicting=0 :: else fi }   /* E7 */
       fi
    :: (settled || !RUNS(0)) && (gave || !RUNS(1)) && (drained && judged || !RUNS(2)) -> break
    od;
end: raylet_dead
  } unless { raylet_dead };
  shared_life=1;                                                  /* the kernel walks the list: this word comes first */
#ifdef SHARED_LIFE
  WAKE_ONE(true, true);
#else
  life[0]=1; WAKE_ONE(true, false);
  life[1]=1; WAKE_ONE(false, true);
#endif
  marked=1
}

proctype fate() {
  if :: raylet_dead=1 :: skip fi;
  if :: RUNS(2) -> if :: killed=1 :: skip fi :: else fi
}

proctype oracle() { timeout -> assert((done[0] || !RUNS(0)) && (done[1] || !RUNS(1)) && (done[2] || !RUNS(2))) }

init { atomic {
  if :: RUNS(0) -> run client(0) :: else fi;
  if :: RUNS(1) -> run client(1) :: else fi;
  if :: RUNS(2) -> run client(2) :: else fi;
  run raylet(); run fate(); run oracle() } }
