/* holders.pml: TAKE, RELEASE, CREATE, EVICT and the reaper, for one entry (docs/reference-rules.md).
 *
 * Steps    T1..T7 and T6', R1..R4, C1..C5, E1..E4, E7; the reaper's d, f, g, i. E5 and E6 are in submit.pml.
 * World    Two processes with one holder word each; THREE_PROCESSES: three. TWO_THREADS: process 0 has two threads that
 *          share its count and its lock. The reference may be handed on by a live holder, or taken with any old id.
 * Step     One `lock`ed instruction or one other access to shared memory. A process may be killed between any two.
 *          The state word (state, evicting, generation) is one word: read and changed by CAS as a whole.
 * Bounds   Generations 0 to GENERATIONS + 1, KILLS deaths; ids are used again.
 * Ghosts   holds, lender and told never steer the protocol.
 *
 * Also right
 *   WAIT               T6' waits for the verdict instead of rescuing. Right, but a taker waits for the raylet
 *   NO_FIRST_LOOK      without E2
 *   RETURN_AT_SETTLE   d, not g, gives a FREE entry to the next client: the dead one's bit may still be set there
 * Broken
 *   GUESS_GONE         T6': EVICTING is taken for gone (rule 7)
 *   NO_SECOND_LOOK     without E4 (rule 10)
 *   NO_LOCK            counts from and to 0 without the lock (rule 1)
 *   HINT_AFTER         T3 before T2 (rule 3)
 *   HINT_DROPPED_FIRST R3 before R2 (rule 3)
 *   HINT_UNLOCKED      R4 before R3 (rule 3)
 *   UNDO_DIRECT        T7 clears the bit itself (rule 4)
 *   CREATE_ASSIGNS     C2 sets the count to 1 (rule 4)
 *   REAP_TO_FREE       d: CREATING of the dead becomes FREE instead of FAILED
 *   REUSE_EARLY        i before f: the id is used again while its bits are still being cleared
 *   STORE_BIT          T3 is a plain store (rule 2)
 *   STORE_FLAG         E3 is a plain store (rule 2)
 *   STORE_VERDICT      E7 is a store, not a CAS (rule 8)
 *   NARROW=2           generations are compared modulo 2 (rule 6)
 */
#ifndef GENERATIONS
#define GENERATIONS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifdef TWO_THREADS
#define THREADS 3
#define PROCESS(t) ((t)/2)
#elif defined(THREE_PROCESSES)
#define THREADS 3
#define PROCESS(t) (t)
#else
#define THREADS 2
#define PROCESS(t) (t)
#endif
#ifdef NARROW
#define SAME(a,b) ((a)%NARROW==(b)%NARROW)
#else
#define SAME(a,b) ((a)==(b))
#endif
#define FREE 0
#define CREATING 1
#define SEALED 2
#define FAILED 3
#define NOBODY 9

byte state = SEALED, generation = 0; bit evicting = 0;  /* the state word */
bit  held[3], hint[3];                            /* holder words; rows of the processes, in the segment */
byte count[3]; bit locked[3], pooled[3];          /* private: count and lock; the entry is in the pool */
byte owner = NOBODY;                              /* private to the raylet: in whose pool */
bit  alive[3] = 1, gone[3], idle[3], peace;       /* gone: every thread has ended; peace: no more kills */
byte reaping[3];
byte holds[3];                                    /* ghost: thread t rightly holds generation holds[t] - 1 */
byte lender[3];                                   /* ghost: t is given the reference by live holder lender[t] - 1 */
byte told = 0;                                    /* ghost: the newest generation that anybody was told */
bit  buffered_bit[3], buffered_flag;              /* store buffers of STORE_BIT and STORE_FLAG */

#define LENDS(t) (lender[0]==(t)+1 || lender[1]==(t)+1 || lender[2]==(t)+1)
#ifdef TWO_THREADS
#define RESTART(c)   if :: c==0 -> idle[0]=0; idle[1]=0 :: else -> idle[2]=0 fi
#define ALL_GONE(c)  ((c)==0 -> (gone[0]&&gone[1]) : gone[2])
#define NONE_GONE(c) ((c)==0 -> (!gone[0]&&!gone[1]) : !gone[2])
#define AT_REST      (peace&&!reaping[0]&&!reaping[1]&&!reaping[2]&&alive[0]&&alive[1]&&idle[0]&&idle[1]&&idle[2])
#else
#define RESTART(c)   idle[c]=0
#define ALL_GONE(c)  (gone[c])
#define NONE_GONE(c) (!gone[c])
#ifdef THREE_PROCESSES
#define AT_REST (peace&&!reaping[0]&&!reaping[1]&&!reaping[2]&&alive[0]&&alive[1]&&alive[2]&& \
                 idle[0]&&idle[1]&&idle[2])
#else
#define AT_REST (peace&&!reaping[0]&&!reaping[1]&&!reaping[2]&&alive[0]&&alive[1]&&idle[0]&&idle[1])
#endif
#endif

#ifdef STORE_BIT
#define SET_BIT(c) buffered_bit[c]=1
#define DRAINED(c) (!buffered_bit[c])             /* a locked instruction waits for the store buffer */
#else
#define SET_BIT(c) held[c]=1
#define DRAINED(c) true
#endif

/* T1..T4, also C2 */
inline count_in(c) {
#ifdef NO_LOCK
  if
  :: atomic { count[c]==0 -> count[c]++ }; hint[c]=1; SET_BIT(c)
  :: atomic { count[c]!=0 -> count[c]++ }
  fi
#else
  atomic { !locked[c] -> locked[c]=1;                                                    /* T1 */
#ifdef CREATE_ASSIGNS
    if :: creating -> count[c]=1 :: else -> count[c]++ fi
#else
    count[c]++
#endif
  };
  if
  :: count[c]==1 ->
#ifdef HINT_AFTER
     SET_BIT(c); atomic { hint[c]=1; locked[c]=0 }
#else
     hint[c]=1;                                                                          /* T2 */
     atomic { SET_BIT(c); locked[c]=0 }                                                  /* T3, T4 */
#endif
  :: atomic { count[c]!=1 -> locked[c]=0 }
  fi
#endif
}

/* R1..R4 */
inline count_out(c) {
#ifdef NO_LOCK
  if
  :: atomic { DRAINED(c) && count[c]==1 -> count[c]-- }; held[c]=0; hint[c]=0
  :: atomic { DRAINED(c) && count[c]!=1 -> count[c]-- }
  fi
#else
  atomic { !locked[c] && DRAINED(c) -> locked[c]=1; count[c]-- };                        /* R1 */
  if
  :: count[c]==0 ->
#ifdef HINT_DROPPED_FIRST
     hint[c]=0; atomic { held[c]=0; locked[c]=0 }
#else
#ifdef HINT_UNLOCKED
     atomic { held[c]=0; locked[c]=0 }; hint[c]=0
#else
     held[c]=0;                                                                          /* R2 */
     atomic { hint[c]=0; locked[c]=0 }                                                   /* R3, R4 */
#endif
#endif
  :: atomic { count[c]!=0 -> locked[c]=0 }
  fi
#endif
}

inline undo(c) {
#ifdef UNDO_DIRECT
  atomic { DRAINED(c) -> count[c]--; held[c]=0 }; hint[c]=0
#else
  count_out(c)
#endif
}

#ifdef GUESS_GONE
#define IS_GONE (!SAME(generation,g) || state==FREE || evicting)
#else
#define IS_GONE (!SAME(generation,g) || state==FREE)
#endif

proctype thread(byte t) {
  byte g; bit creating;
again:
  {
    do
    /* take with an id that was told at some time: a weak reference, a stale id */
    :: atomic { holds[t]==0 -> if :: g=0 :: told>=1 -> g=1 :: told>=2 -> g=2 fi };
       goto take
    /* take what a live holder gives us; it keeps its own until we have it */
    :: atomic { holds[t]==0 && (holds[0]||holds[1]||holds[2]) ->
         if :: holds[0] -> lender[t]=1 :: holds[1] -> lender[t]=2 :: holds[2] -> lender[t]=3 fi;
         g=holds[lender[t]-1]-1 };
take:  count_in(PROCESS(t));
       if                                                                                /* T5 with each arm */
       :: atomic { SAME(generation,g) && state!=FREE && !evicting ->
            assert(generation==g); holds[t]=g+1; lender[t]=0; g=0 }                      /* T6 */
#if !defined(WAIT) && !defined(GUESS_GONE)
       :: atomic { SAME(generation,g) && state!=FREE && evicting ->
            assert(generation==g); evicting=0; holds[t]=g+1; lender[t]=0; g=0 }          /* T6' */
#endif
       :: atomic { IS_GONE ->
            assert(!(lender[t]!=0 && holds[lender[t]-1]==g+1));        /* what a live holder gives is never gone */
            lender[t]=0; g=0 };
          undo(PROCESS(t))                                                               /* T7 */
       fi
    /* release */
    :: atomic { holds[t]!=0 && !LENDS(t) -> holds[t]=0 };
       count_out(PROCESS(t))
    /* create in an entry of the own pool, seal */
    :: atomic { pooled[PROCESS(t)] && holds[t]==0 -> pooled[PROCESS(t)]=0; creating=1 }; /* C1 */
       count_in(PROCESS(t));                                                             /* C2 */
       atomic { assert(state==FREE && !evicting); state=CREATING; told=generation;       /* C3 */
                holds[t]=generation+1; creating=0 };
       atomic { assert(state==CREATING && generation==holds[t]-1); state=SEALED }        /* C5 */
    /* what is held is there */
    :: atomic { holds[t]!=0 -> assert(generation==holds[t]-1 && state!=FREE) }
    :: atomic { holds[t]==0 -> idle[t]=1 }; end: false
    od
  } unless { atomic { !alive[PROCESS(t)] -> g=0; creating=0 } };
  atomic { DRAINED(PROCESS(t)) -> gone[t]=1 };          /* a store buffer drains before the pidfd is readable */
  atomic { alive[PROCESS(t)] -> gone[t]=0 };
  goto again
}

inline forget(t) {                                      /* ghosts: the dead hold nothing and give nothing */
  holds[t]=0; lender[t]=0;
  if :: lender[0]==t+1 -> lender[0]=0 :: else fi;
  if :: lender[1]==t+1 -> lender[1]=0 :: else fi;
  if :: lender[2]==t+1 -> lender[2]=0 :: else fi
}

proctype killer() {
  byte n; byte c;
  do
  :: n<KILLS ->
     if :: c=0 :: c=1
#ifdef THREE_PROCESSES
     :: c=2
#endif
     fi;
     atomic { alive[c] && NONE_GONE(c) -> alive[c]=0; locked[c]=0; count[c]=0; pooled[c]=0; n++;
#ifdef TWO_THREADS
       if :: c==0 -> forget(0); forget(1) :: else -> forget(2) fi
#else
       if :: c==0 -> forget(0) :: c==1 -> forget(1) :: else -> forget(2) fi
#endif
     }
  :: peace=1; break
  od
}

inline look(w) { if :: held[w] -> goto back :: else fi }
#ifdef THREE_PROCESSES
#define LOOK look(0); look(1); look(2);
#else
#define LOOK look(0); look(1);
#endif

proctype raylet() {
  byte g, c; bit flagged;
  do
  :: atomic { AT_REST ->
       assert(!held[0] && !held[1] && !held[2] && !hint[0] && !hint[1] && !hint[2] && !evicting && state!=CREATING) };
     break
  /* evict */
  :: atomic { (state==SEALED || state==FAILED) -> g=generation };                        /* E1 */
#ifndef NO_FIRST_LOOK
     LOOK                                                                                /* E2 */
#endif
#ifdef STORE_FLAG
     buffered_flag=1; flagged=1;
#else
     atomic { if :: (state==SEALED || state==FAILED) && generation==g -> evicting=1; flagged=1
              :: else -> goto back fi };                                                 /* E3 */
#endif
#ifndef NO_SECOND_LOOK
     LOOK                                                                                /* E4 */
#endif
     atomic { !buffered_flag;                                                            /* E7 */
#if !defined(WAIT) && !defined(GUESS_GONE) && !defined(STORE_VERDICT)
       if :: !evicting -> goto back :: else fi;                                          /* rescued: the CAS fails */
#endif
       assert(holds[0]!=g+1 && holds[1]!=g+1 && holds[2]!=g+1);     /* nothing is freed that a live process holds */
       state=FREE; evicting=0; generation=generation+1; owner=NOBODY; flagged=0; g=0 };
     goto next;
back: atomic { !buffered_flag; if :: flagged -> evicting=0; flagged=0 :: else fi; g=0 };
next: skip
  /* grant a free entry to a client */
  :: atomic { state==FREE && owner==NOBODY && generation<=GENERATIONS ->
       if :: c=0 :: c=1
#ifdef THREE_PROCESSES
       :: c=2
#endif
       fi; if :: alive[c] -> owner=c; pooled[c]=1 :: else fi; c=0 }
  /* reap: a, d, f, g, i */
#ifdef REAP_TO_FREE
#define SETTLE_CREATING assert(holds[0]!=generation+1 && holds[1]!=generation+1 && holds[2]!=generation+1); \
                        state=FREE; generation=generation+1; owner=NOBODY
#else
#define SETTLE_CREATING state=FAILED
#endif
#ifdef RETURN_AT_SETTLE
#define RETURNS_EARLY true
#else
#define RETURNS_EARLY false
#endif
#ifdef REUSE_EARLY
#define REAP(c) \
  :: atomic { !alive[c] && ALL_GONE(c) && reaping[c]==0 -> reaping[c]=1; RESTART(c); alive[c]=1; \
       if :: owner==c && state==CREATING -> state=FAILED :: else fi; \
       if :: owner==c && state==FREE -> owner=NOBODY :: else fi } \
  :: atomic { reaping[c]==1 -> reaping[c]=2; if :: hint[c] -> held[c]=0 :: else fi } \
  :: atomic { reaping[c]==2 -> reaping[c]=0; hint[c]=0 }
#else
#define REAP(c) \
  :: atomic { !alive[c] && ALL_GONE(c) && reaping[c]==0 -> reaping[c]=1; \
       if :: owner==c && state==CREATING -> SETTLE_CREATING :: else fi; \
       if :: RETURNS_EARLY && owner==c && state==FREE -> owner=NOBODY :: else fi } \
  :: atomic { reaping[c]==1 -> reaping[c]=2; if :: hint[c] -> held[c]=0 :: else fi } \
  :: atomic { reaping[c]==2 -> reaping[c]=3; hint[c]=0; if :: owner==c && state==FREE -> owner=NOBODY :: else fi } \
  :: atomic { reaping[c]==3 -> assert(!held[c]); reaping[c]=0; RESTART(c); alive[c]=1 }
#endif
  REAP(0) REAP(1)
#ifdef THREE_PROCESSES
  REAP(2)
#endif
  od
}

#if defined(STORE_BIT) || defined(STORE_FLAG)
active proctype store_buffers() {
end: do
  :: atomic { buffered_bit[0] -> held[0]=1; buffered_bit[0]=0 }
  :: atomic { buffered_bit[1] -> held[1]=1; buffered_bit[1]=0 }
  :: atomic { buffered_flag -> evicting=1; buffered_flag=0 }
  od
}
#endif

init { atomic {
  held[0]=1; hint[0]=1; count[0]=1; holds[0]=1;         /* thread 0 holds generation 0 */
  run thread(0); run thread(1);
#if THREADS==3
  run thread(2);
#endif
  run killer(); run raylet() } }
