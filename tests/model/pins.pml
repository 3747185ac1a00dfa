/* pins.pml: pins have owners: a set like the holders, and a number of pins in the row (docs/reference-rules.md, PIN and
 * rule 32).
 *
 * Steps    N1..N3 and U1..U3; T1..T7, R1..R4; E1..E4, E7; the reaper's f, g, i.
 * World    Two processes; TWO_THREADS: process 0 has two threads. Their pin bits lie in one word; a locked instruction
 *          changes one bit of it. A process may be killed between any two steps; ids are used again.
 * Bounds   One object, freed once; at most two pins a process, KILLS deaths.
 * Ghosts   holds; pinned: how many pins the process has for certain: whole ones whose unpin has not begun.
 *
 * Also right
 *   NO_PIN_LOOK          E4 without the pin words: a pin owns a handle, so the holder bit is there as well
 * Broken
 *   PIN_WITHOUT_HANDLE   without N1 and U3: the row goes with the last handle, the pin bit outlives its process
 *   PIN_BIT_FIRST        N3 before the row has a hint, by a process without a handle
 *   HANDLE_FIRST         U3 before U1
 *   NO_LOCK              N2, N3 and U1, U2 without the lock
 *   NO_PIN_COUNT         U1 at any unpin, not only at the last
 *   UNPIN_ASSIGNS        U1 stores 0 in the word: another's pin goes, too
 *   UNPIN_PLAIN          U1 loads the word and stores it without the own bit: another's new pin is lost
 *   REAP_WORD            f clears the whole pin word
 *   REAP_HOLDERS_ONLY    f forgets the pins
 */
#ifndef KILLS
#define KILLS 1
#endif
#define PROCESS(t) ((t)/2)
#define OTHER(c) (1-(c))
#define FREE 0
#define SEALED 2

byte state = SEALED; bit evicting;
bit  held[2], hint[2], pin_bit[2];                /* own bits; pin_bit[0] and pin_bit[1] are one word */
byte count[2], pins[2]; bit locked[2];            /* the row: handles, pins; the stripe's lock */
byte holds[3], pinned[2];
bit  alive[2]=1, gone[3], idle[3], peace; byte reaping[2];
#define AT_REST      (peace&&alive[0]&&alive[1]&&!reaping[0]&&!reaping[1]&&ALL_IDLE)
#ifdef TWO_THREADS
#define ALL_GONE(c)  ((c)==0 -> (gone[0]&&gone[1]) : gone[2])
#define NONE_GONE(c) ((c)==0 -> (!gone[0]&&!gone[1]) : !gone[2])
#define ALL_IDLE     (idle[0]&&idle[1]&&idle[2])
#else
#define ALL_GONE(c)  (gone[2*(c)])
#define NONE_GONE(c) (!gone[2*(c)])
#define ALL_IDLE     (idle[0]&&idle[2])
#endif

inline count_in(c) {
  atomic { !locked[c] -> locked[c]=1; count[c]++ };                                      /* T1 */
  if
  :: count[c]==1 -> hint[c]=1; atomic { held[c]=1; locked[c]=0 }                         /* T2..T4 */
  :: atomic { count[c]!=1 -> locked[c]=0 }
  fi
}
inline count_out(c) {
  atomic { !locked[c] -> locked[c]=1; count[c]-- };                                      /* R1 */
  if
  :: count[c]==0 -> held[c]=0; atomic { hint[c]=0; locked[c]=0 }                         /* R2..R4 */
  :: atomic { count[c]!=0 -> locked[c]=0 }
  fi
}
#ifdef NO_LOCK
#define LOCK(c)   skip
#define UNLOCK(c) skip
#else
#define LOCK(c)   !locked[c] -> locked[c]=1
#define UNLOCK(c) locked[c]=0
#endif

/* The caller has a handle. */
inline pin(c) {
#ifndef PIN_WITHOUT_HANDLE
  count[c]++;                                                                            /* N1 */
#endif
  atomic { LOCK(c); pins[c]++; last=(pins[c]==1) };                                      /* N2 */
  if :: last -> pin_bit[c]=1 :: else fi;                                                 /* N3 */
  atomic { UNLOCK(c); pinned[c]++; last=0 }
}

inline clear_own_pin(c) {
#ifdef UNPIN_ASSIGNS
  atomic { pin_bit[c]=0; pin_bit[OTHER(c)]=0 }
#else
#ifdef UNPIN_PLAIN
  other=pin_bit[OTHER(c)]; atomic { pin_bit[c]=0; pin_bit[OTHER(c)]=other; other=0 }
#else
  pin_bit[c]=0
#endif
#endif
}
inline unpin(c) {
#ifdef HANDLE_FIRST
  count_out(c);
#endif
  atomic { LOCK(c); last=(pins[c]==1) };
  if
#ifdef NO_PIN_COUNT
  :: true -> clear_own_pin(c)
#else
  :: last -> clear_own_pin(c)                                                            /* U1 */
  :: else
#endif
  fi;
  atomic { pins[c]--; UNLOCK(c); last=0 };                                               /* U2 */
#if !defined(PIN_WITHOUT_HANDLE) && !defined(HANDLE_FIRST)
  count_out(c)                                                                           /* U3 */
#endif
}

proctype thread(byte t) {
  bit last, other;
again: {
  do
  :: atomic { holds[t]==0 -> skip };
#ifdef PIN_BIT_FIRST
     if :: pin_bit[PROCESS(t)]=1 :: skip fi;
#endif
     count_in(PROCESS(t));
     if
     :: atomic { state!=FREE -> evicting=0; holds[t]=1 };                                /* T6, T6' */
#ifdef PIN_BIT_FIRST
        if :: pin_bit[PROCESS(t)] && !pins[PROCESS(t)] -> pin_bit[PROCESS(t)]=0 :: else fi
#endif
     :: state==FREE -> count_out(PROCESS(t))                                             /* T7 */
     fi
  :: atomic { holds[t] -> holds[t]=0 }; count_out(PROCESS(t))
  :: holds[t] && pins[PROCESS(t)]<2 -> pin(PROCESS(t))
  :: atomic { pinned[PROCESS(t)]>0 -> pinned[PROCESS(t)]-- }; unpin(PROCESS(t))
  /* what is pinned is there, and says so */
  :: atomic { pinned[PROCESS(t)]>0 -> assert(state!=FREE && pin_bit[PROCESS(t)]) }
  :: atomic { holds[t]==0 -> idle[t]=1 }; end: false
  od } unless { atomic { !alive[PROCESS(t)] -> last=0; other=0 } }; atomic { gone[t]=1 };
  atomic { alive[PROCESS(t)] -> gone[t]=0 }; goto again
}

proctype killer() {
  byte n; byte c;
  do
  :: n<KILLS -> if :: c=0 :: c=1 fi;
     atomic { alive[c] && NONE_GONE(c) -> alive[c]=0; locked[c]=0; pinned[c]=0; n++;
       if :: c==0 -> holds[0]=0; holds[1]=0 :: else -> holds[2]=0 fi }
  :: peace=1; break
  od
}

inline look() {
  if :: held[0] -> goto back :: else fi; if :: held[1] -> goto back :: else fi;
#ifndef NO_PIN_LOOK
  if :: pin_bit[0] || pin_bit[1] -> goto back :: else fi
#endif
}
/* pins before holders; count and pins are of the row and go with it */
#ifdef REAP_WORD
#define CLEAR_PIN(c) pin_bit[0]=0; pin_bit[1]=0
#elif defined(REAP_HOLDERS_ONLY)
#define CLEAR_PIN(c) skip
#else
#define CLEAR_PIN(c) pin_bit[c]=0
#endif
#define REAP(c) \
  :: atomic { !alive[c] && ALL_GONE(c) && reaping[c]==0 -> reaping[c]=1; if :: hint[c] -> CLEAR_PIN(c) :: else fi } \
  :: atomic { reaping[c]==1 -> reaping[c]=2; if :: hint[c] -> held[c]=0 :: else fi } \
  :: atomic { reaping[c]==2 -> reaping[c]=3; hint[c]=0; count[c]=0; pins[c]=0 } \
  :: atomic { reaping[c]==3 -> assert(!held[c] && !pin_bit[c]); reaping[c]=0; \
       if :: c==0 -> idle[0]=0; idle[1]=0 :: else -> idle[2]=0 fi; alive[c]=1 }

proctype raylet() {
  do
  :: atomic { AT_REST ->
       assert(pin_bit[0]==(pinned[0]>0) && pin_bit[1]==(pinned[1]>0) && hint[0]==held[0] && hint[1]==held[1] &&
              !evicting);
#ifndef PIN_WITHOUT_HANDLE
       assert(held[0]==pin_bit[0] && held[1]==pin_bit[1]);
#endif
       assert(state==SEALED || (!pinned[0] && !pinned[1])) }; break
  :: state==SEALED ->                                                                    /* E1 */
     look();                                                                             /* E2 */
     evicting=1;                                                                         /* E3 */
     look();                                                                             /* E4 */
     atomic { if :: !evicting -> goto back :: else fi;                                   /* E7 */
       assert(!holds[0] && !holds[1] && !holds[2] && !pinned[0] && !pinned[1]);
       state=FREE; evicting=0 };
     goto next;
back: evicting=0;
next: skip
  REAP(0) REAP(1)
  od
}

init { atomic { held[0]=1; hint[0]=1; count[0]=1; holds[0]=1;
  run thread(0); run thread(2);
#ifdef TWO_THREADS
  run thread(1);
#endif
  run killer(); run raylet() } }
