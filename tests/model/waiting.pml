/* waiting.pml: sleeping and waking (docs/reference-rules.md, WAIT, SETTLE and rules 23 to 26).
 *
 * Steps    W1..W6, K1..K4, the reaper's h.
 * World    A waiting process with two threads, one bell and one count of sleepers; thread t waits for entry t. SAME:
 *          both wait for entry 0. TIMEOUT: thread 1 may give up. ONE_WAITER: one thread waits for both entries.
 *          Sealer s seals entry s; each may be killed, sealer 0 may be stopped for ever. The raylet settles what the
 *          dead leave, and rings.
 * Bounds   Two entries, two sealers. One store buffer place per writer.
 * Ghosts   last: who sealed last.
 *
 * Also right
 *   ONE_WAITER FLAG        a flag suffices for a process with one thread
 * Broken
 *   FLAG                   `sleepers` is a flag (rule 23)
 *   WAKE_ONE               K4 wakes one (rule 23)
 *   CLEAR_WAITER_BIT       a waiter that gives up clears the bit (rule 24)
 *   PLAIN_SETTLE           K1 is a plain store (rule 25)
 *   PLAIN_SLEEP            W3 is a plain store (rule 25)
 *   EXCHANGE               the notifier takes the sleepers' word down (rule 25)
 *   NO_RING_ON_DEATH       without h (rule 26)
 *   RING_FIRST             h before the dead one's entries are settled (rule 26)
 */
#ifdef SAME
#define ENTRY(t) 0
#else
#define ENTRY(t) (t)
#endif
/* state of an entry */
#define OPEN 0
#define SEALED 1
#define FAILED 2

byte state[2];
bit  waiter[2];                                /* the waiting process's bit */
byte bell, sleepers; bit asleep[2], done[2];   /* asleep: in the kernel's futex queue */
bit  dead[2], stopped[2], reaped[2], finished[2];
byte last;
bit  buffered_seal[2]; bit buffered_sleep; byte buffered_sleepers;

#ifdef PLAIN_SETTLE
#define SETTLE(s) atomic { buffered_seal[s]=1; last=s }
#else
#define SETTLE(s) atomic { if :: state[s]==OPEN -> state[s]=SEALED; last=s :: else fi }
#endif
#ifdef FLAG
#define COUNT_IN  sleepers=1
#define COUNT_OUT sleepers=0
#else
#define COUNT_IN  sleepers++
#define COUNT_OUT sleepers--
#endif

inline wake() {
#ifdef WAKE_ONE
  atomic { if :: asleep[0] -> asleep[0]=0 :: asleep[1] -> asleep[1]=0 :: !asleep[0] && !asleep[1] fi }
#else
  atomic { asleep[0]=0; asleep[1]=0 }
#endif
}

proctype waiting_thread(byte t) {
  byte seen;
#ifdef ONE_WAITER
  waiter[1]=1;
#endif
  waiter[ENTRY(t)]=1;                                                                    /* W1 */
  do
  :: seen=bell;                                                                          /* W2 */
#ifdef PLAIN_SLEEP
     atomic { !buffered_sleep -> buffered_sleep=1; buffered_sleepers=1 };
#else
     COUNT_IN;                                                                           /* W3 */
#endif
     if                                                                                  /* W4 */
#ifdef ONE_WAITER
     :: state[0]!=OPEN && state[1]!=OPEN -> COUNT_OUT; break
     :: state[0]==OPEN || state[1]==OPEN ->
#else
     :: state[ENTRY(t)]!=OPEN -> COUNT_OUT; break
     :: state[ENTRY(t)]==OPEN ->
#endif
        atomic { if :: bell==seen -> asleep[t]=1 :: else fi; seen=0 };                   /* W5 */
end:    !asleep[t];
        COUNT_OUT                                                                        /* W6 */
     fi
#ifdef TIMEOUT
  :: t==1 ->
#ifdef CLEAR_WAITER_BIT
     waiter[ENTRY(t)]=0;
#endif
     break
#endif
  od;
  done[t]=1
}

proctype sealer(byte s) {
  {
    SETTLE(s);                                                                           /* K1 */
    if                                                                                   /* K2 */
    :: atomic { waiter[s] ->
#ifdef PLAIN_SETTLE
         skip
#endif
       };
#ifdef EXCHANGE
       if :: atomic { sleepers!=0 -> sleepers=0 };
#else
       if :: atomic { sleepers!=0 -> skip };                                             /* K3 */
#endif
             bell=(bell+1)%8;
             wake()                                                                      /* K4 */
          :: sleepers==0
       fi
    :: !waiter[s]
    fi;
    finished[s]=1
  } unless { atomic { (dead[s] || stopped[s]) -> skip } }
}

proctype fate() {
  if :: dead[0]=1 :: stopped[0]=1 :: skip fi;
  if :: dead[1]=1 :: skip fi
}

proctype store_buffers() {
end: do
  :: atomic { buffered_seal[0] -> state[0]=SEALED; buffered_seal[0]=0 }
  :: atomic { buffered_seal[1] -> state[1]=SEALED; buffered_seal[1]=0 }
  :: atomic { buffered_sleep -> sleepers=buffered_sleepers; buffered_sleep=0 }
  od
}

inline ring_all() {
#ifdef NO_RING_ON_DEATH
  skip
#else
  bell=(bell+1)%8; wake()
#endif
}
#define SETTLE_FOR(s) atomic { if :: state[s]==OPEN -> state[s]=FAILED :: else fi }
#ifdef RING_FIRST
#define AFTER_DEATH(s) ring_all(); SETTLE_FOR(s)
#else
#define AFTER_DEATH(s) SETTLE_FOR(s); ring_all()
#endif
#define REAP(s) \
  :: atomic { dead[s] && !reaped[s] && !buffered_seal[s] -> reaped[s]=1 }; \
     AFTER_DEATH(s)
proctype raylet() { end: do REAP(0) REAP(1) od }

/* When nothing can move: each waiter whose sealer is not stopped must be through. */
proctype oracle() {
#ifdef ONE_WAITER
  timeout -> assert(done[0] || stopped[last] || state[0]==OPEN || state[1]==OPEN)
#else
  timeout -> assert((done[0] || stopped[ENTRY(0)]) && (done[1] || stopped[ENTRY(1)]))
#endif
}

init { atomic {
  run waiting_thread(0);
#ifndef ONE_WAITER
  run waiting_thread(1);
#endif
  run sealer(0); run sealer(1); run fate(); run store_buffers(); run raylet(); run oracle() } }
