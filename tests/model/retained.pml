/* retained.pml: objects that stay when nobody refers to them, and the two roads that free them (docs/reference-rules.md,
 * RETAIN, rules 36 and 38).
 *
 * Steps    A1..A3; T3, T5, T6, T6', T7; R2; E1..E7 of the road that frees at once, and of the eviction pass; the reaper's
 *          b, f, and the dead one's weak references. Rows, counts and locks: see holders.pml.
 * World    Two processes. Process 0 holds the object, may ask to retain it, and not to any more. Process 1 may hold it
 *          weakly: a message for its first and its last weak reference; `lock` is a TAKE with the generation. BOTH_WEAK:
 *          both hold it weakly. An entry that was freed is granted again to somebody else, who keeps it. Process 0's
 *          newest store to its ring lies in a store buffer. KILL: a process is killed anywhere. PRESSURE: the eviction
 *          pass runs, too.
 * Bounds   One object and one later tenant; each process asks once, holds it weakly once, locks LOCKS times.
 * Ghosts   has, pressed; kept: what the program was promised: bit 0 by retain, bits 1 and 2 by the weak references.
 *
 * Broken
 *   DROP_FIRST      A1: the handle is dropped before the message is sent
 *   NO_SECOND_LOOK_RETAINED   E6 does not look at "retained" again
 *   NO_DRAIN        without E5
 *   NO_GENERATION   lock takes whatever object the entry has
 *   WEAK_IS_A_BIT   the raylet keeps one bit for all processes that hold it weakly
 *   WEAK_STAYS      the reaper leaves the dead one's weak references
 *   REAP_FIRST      the reaper takes them off before it has drained the ring
 *   PASS_NO_LOOK    the eviction pass without E4: it trusts its order
 *   PASS_NO_CAS     the eviction pass stores its verdict
 */
#ifndef LOCKS
#define LOCKS 1
#endif
#define FREE 0
#define SEALED 2
#define RETAIN 1
#define UNRETAIN 2
#define WEAK 3
#define NOT_WEAK 4

byte state = SEALED; bit evicting, later;         /* the state word; later: of a later generation than the names */
bit  held[2];                                     /* holder bits */
chan ring0 = [4] of { byte }; chan ring1 = [4] of { byte };
byte buffered;                                    /* process 0's newest message, not visible yet */
bit  asked, weak[2];                              /* raylet: why it is retained */
bit  has[2]; byte kept; bit pressed;              /* pressed: the eviction pass has freed it */
bit  alive[2]=1, gone[2], idle[2], peace; byte reaping[2];

#define LIVES      (state!=FREE && !later)
#define RETAINED   (asked || weak[0] || weak[1])
#define VISIBLE(t) ((t)==1 || buffered==0)
#ifdef BOTH_WEAK
#define WEAKLY(t)  true
#else
#define WEAKLY(t)  ((t)==1)
#endif

/* a store; what was stored before is visible first */
inline send(t, message) {
  if
  :: t==0 -> atomic { buffered==0 -> buffered=message }
  :: else -> atomic { ring1!message }
  fi
}

inline drop(t) {
  atomic { has[t]=0 }; atomic { VISIBLE(t) -> held[t]=0 }                                /* R2 drains the buffer */
}

proctype process(byte t) {
  bit retained, weakly, done_weak, done_retain; byte locks;
  { do
#ifndef BOTH_WEAK
    :: atomic { t==0 && has[t] && !done_retain -> done_retain=1 };
#ifdef DROP_FIRST
       drop(t); send(t, RETAIN); atomic { assert(LIVES || pressed); retained=1; kept=kept|1 }
#else
       send(t, RETAIN); atomic { retained=1; kept=kept|1 }                               /* A1 */
#endif
    :: atomic { retained -> retained=0; kept=kept&6 }; send(t, UNRETAIN)                 /* A3 */
#endif
    :: atomic { WEAKLY(t) && has[t] && !done_weak -> done_weak=1 };
       send(t, WEAK); atomic { weakly=1; kept=kept|(2<<t) }                              /* A1 */
    :: atomic { weakly -> weakly=0; kept=kept&(7-(2<<t)) }; send(t, NOT_WEAK)            /* A3 */
    /* lock, or a stale id */
    :: atomic { !has[t] && locks<LOCKS -> locks++ };
       atomic { VISIBLE(t) -> held[t]=1 };                                               /* T3 */
       if
#ifdef NO_GENERATION
       :: atomic { state!=FREE -> evicting=0; assert(!later); has[t]=1 }
       :: state==FREE -> held[t]=0
#else
       :: atomic { LIVES -> evicting=0; has[t]=1 }                                       /* T6, T6' */
       :: atomic { !LIVES -> assert(!has[1-t] && !(kept && !pressed)) }; held[t]=0       /* T7 */
#endif
       fi
    :: has[t] -> drop(t)
    :: atomic { has[t] -> assert(LIVES) }
    :: atomic { !has[t] && !weakly -> idle[t]=1 }; end: false
    od
  } unless { atomic { !alive[t] -> retained=0; weakly=0; locks=0; done_weak=0; done_retain=0 } };
  atomic { VISIBLE(t) -> gone[t]=1 }
}

#ifdef KILL
proctype killer() {
  byte c;
  atomic { if :: c=0 :: c=1 fi; if :: !gone[c] -> alive[c]=0; has[c]=0; kept=kept&(7-(2<<c)) :: else fi; c=0 };
  peace=1
}
#else
proctype killer() { peace=1 }
#endif

proctype store_buffer() {
  byte m;
end: do
  :: atomic { buffered!=0 -> m=buffered; buffered=0; ring0!m; m=0 }
  od
}

#ifdef WEAK_IS_A_BIT
#define SET_WEAK(t,x) weak[0]=x
#else
#define SET_WEAK(t,x) weak[t]=x
#endif
#define READ(t, ring) atomic { ring?m -> \
    if :: m==RETAIN && LIVES -> asked=1 :: m==UNRETAIN && LIVES -> asked=0 \
       :: m==WEAK && LIVES -> SET_WEAK(t,1) :: m==NOT_WEAK && LIVES -> SET_WEAK(t,0) :: !LIVES fi; m=0 }
inline drain() { do :: READ(0, ring0) :: READ(1, ring1) :: empty(ring0) && empty(ring1) -> break od }
inline look() { if :: held[0] -> goto back :: else fi; if :: held[1] -> goto back :: else fi }
#ifdef WEAK_STAYS
#define FORGET_WEAK(t) skip
#else
#define FORGET_WEAK(t) weak[t]=0
#endif
#ifdef REAP_FIRST
#define RING_IS_READ(ring) true
#else
#define RING_IS_READ(ring) empty(ring)
#endif
#define REAP(t, ring) \
  :: atomic { !alive[t] && gone[t] && reaping[t]==0 && RING_IS_READ(ring) -> reaping[t]=1; FORGET_WEAK(t) } \
  :: atomic { reaping[t]==1 -> held[t]=0; reaping[t]=2 }
#define AT_REST (peace && (idle[0] || reaping[0]==2) && (idle[1] || reaping[1]==2) && buffered==0 && \
                 empty(ring0) && empty(ring1))

proctype raylet() {
  byte m; bit passes, last;
  do
  :: READ(0, ring0)
  :: READ(1, ring1)
  /* at once */
  :: atomic { LIVES && !RETAINED -> skip };                                              /* E1 */
     look();                                                                             /* E2 */
     atomic { !evicting -> evicting=1 };                                                 /* E3 */
     look();                                                                             /* E4 */
#ifndef NO_DRAIN
     drain();                                                                            /* E5 */
#endif
#ifndef NO_SECOND_LOOK_RETAINED
     if :: RETAINED -> goto back :: else fi;                                             /* E6 */
#endif
     atomic { if :: !evicting -> goto back :: else fi;                                   /* E7 */
       assert(!has[0] && !has[1] && !kept); state=FREE; evicting=0; later=1; asked=0; weak[0]=0; weak[1]=0 };
     goto next
#ifdef PRESSURE
  :: atomic { LIVES && RETAINED -> passes=1 };
     look(); atomic { !evicting -> evicting=1 };
#ifndef PASS_NO_LOOK
     look();
#endif
     drain();
     atomic {
#ifndef PASS_NO_CAS
       if :: !evicting -> goto back :: else fi;
#endif
       assert(!has[0] && !has[1]); state=FREE; evicting=0; later=1; asked=0; weak[0]=0; weak[1]=0; pressed=1 };
     goto next
#endif
  :: atomic { false -> skip };
back: if :: later -> skip :: else -> evicting=0 fi;
next: passes=0
  :: atomic { state==FREE -> state=SEALED }                                              /* granted again */
  REAP(0, ring0) REAP(1, ring1)
  /* at rest: what is neither held nor retained goes, and is retained only by what the program asked for */
  :: atomic { AT_REST && (!LIVES || RETAINED) ->
       assert(!has[0] && !has[1] && !held[0] && !held[1] && !evicting);
#ifndef KILL
       assert(!LIVES || (kept&1));
#endif
       assert(!LIVES || (!weak[0] && !weak[1] && asked)) }; break
  od
}

init { atomic { has[0]=1; held[0]=1; run process(0); run process(1); run killer(); run store_buffer(); run raylet() } }
