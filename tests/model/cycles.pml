/* cycles.pml: one verdict on a group of objects that only refer to each other (docs/reference-rules.md, GROUP).
 *
 * Steps    Taker: T3, T5; a flagged member's group word; rescue of the representative; T6, T6', T7; R2; SUBMIT's message.
 *          Raylet: the mark pass's look; group words; flags; E4 of all members; E5, E6; E7 of the representative; E7 of
 *          each other member; back out. Rows, counts and locks: see holders.pml. Stores before a locked one: submit.pml.
 * World    A and B refer to each other, A also to C. Two processes take them by any name, or by one that a live holder
 *          gives, send a message that refers to A, drop them. KILL: one of them is killed anywhere, and reaped.
 *          A group is A, B and C, or A and B while somebody holds C; C is evicted alone when A is gone.
 *          PAIR: without C. TAIL: without B; A refers to itself.
 * Bounds   PASSES passes of the raylet, and one more when nobody does anything. FEW: without messages.
 * Ghosts   has, lent.
 *
 * Also right
 *   GROUP_WORDS_FIRST     backing out clears group words before flags
 *   REPRESENTATIVE_KEPT   backing out clears the representative's flag last
 * Broken
 *   NO_GROUP              a taker that meets a flag does not look at the group word
 *   OWN_FIRST             it clears its own flag before the representative's
 *   NO_RECHECK            the representative is FREE: gone, without another look at the own words
 *   EACH_VERDICT          each member's verdict stands alone
 *   REPRESENTATIVE_LAST   the representative is flagged after the others
 *   FLAG_FIRST            a member is flagged before its group word is written
 *   GROUP_STAYS           backing out leaves the group words
 *   REGRANT_EARLY         the representative is granted again before the others' verdicts
 *   NO_SECOND_LOOK        without E4
 *   NO_DRAIN              without E5
 */
#ifndef PASSES
#define PASSES 2
#endif
#define FREE 0
#define SEALED 2
#define A 0
#define B 1
#define C 2
#define NONE 3
#ifdef PAIR
#define HAS_C false
#else
#define HAS_C true
#endif
#ifdef TAIL
#define HAS_B false
#else
#define HAS_B true
#endif

byte state[3]; bit evicting[3], later[3];         /* the state words; later: of a later generation than the names */
byte group[3] = NONE;                             /* raylet; the representative, or none */
bit  held[6];                                     /* holder bit of process t for entry e */
bit  ring[2]; bit refs;                           /* messages that refer to A; raylet_refs of A from outside */
bit  has[6], lent[6];                             /* ghosts: a handle; it is being given to the other process */
bit  alive[2]=1, gone[2], idle[2], peace; byte reaping[2];

#define AT(t,e)    (3*(t)+(e))
#define LIVES(e)   (state[e]!=FREE && !later[e])
/* and all that can be reached from it */
#define SOUND(e)   (LIVES(e) && ((e)==C || (LIVES(A) && (!HAS_B || LIVES(B)) && (!HAS_C || LIVES(C)))))
/* what a live holder gives, or what we hold refers to, is never gone */
#define NOT_OWED   (!lent[AT(1-t,e)] && !has[AT(t,A)] && (e==C || !has[AT(t,B)]))
#define HAD(e)     (has[AT(0,e)] || has[AT(1,e)])

proctype process(byte t) {
  byte e = NONE, r = NONE; bit rep_later, sent;
  { do
    /* any name, also one that was told long ago; or one that a live holder gives, which keeps its own meanwhile */
    :: atomic { if :: e=A :: HAS_B -> e=B :: HAS_C -> e=C fi;
         if :: has[AT(t,e)] -> e=NONE; goto done
            :: !has[AT(t,e)] && has[AT(1-t,e)] -> lent[AT(1-t,e)]=1 :: !has[AT(t,e)] fi };
take:  held[AT(t,e)]=1;                                                                  /* T3 */
look:  if                                                                                /* T5 with each arm */
       :: atomic { !LIVES(e) -> assert(NOT_OWED); goto undo }
       :: atomic { LIVES(e) && !evicting[e] -> goto taken }
       :: LIVES(e) && evicting[e]
       fi;
#ifdef NO_GROUP
       goto own;
#endif
       atomic { r=group[e]; if :: r==NONE -> goto own :: else fi };
#ifdef OWN_FIRST
       atomic { if :: LIVES(e) && evicting[e] -> evicting[e]=0 :: else -> r=NONE; goto look fi };
#endif
rep:   if
       :: atomic { state[r]!=FREE && evicting[r] -> rep_later=later[r] };
          atomic { if :: state[r]!=FREE && evicting[r] && later[r]==rep_later -> evicting[r]=0; rep_later=0
                   :: else -> rep_later=0; goto rep fi }                                 /* a CAS */
       :: state[r]!=FREE && !evicting[r]                                                 /* somebody else did */
       :: state[r]==FREE ->
#ifndef NO_RECHECK
          atomic { if :: !LIVES(e) || !evicting[e] -> r=NONE; goto look :: else fi };
          atomic { if :: group[e]!=r -> r=NONE; goto look :: else fi };
#endif
          atomic { assert(NOT_OWED); r=NONE; goto undo }
       fi;
#ifdef OWN_FIRST
       goto taken;
#endif
own:   atomic { r=NONE; if :: LIVES(e) && evicting[e] -> evicting[e]=0 :: else -> goto look fi };   /* T6' */
taken: atomic { assert(SOUND(e)); has[AT(t,e)]=1; lent[AT(1-t,e)]=0; r=NONE; e=NONE }; goto done;
undo:  atomic { held[AT(t,e)]=0; lent[AT(1-t,e)]=0; e=NONE };                   /* T7 */
done:  skip
    :: atomic { if :: e=A :: HAS_B -> e=B :: HAS_C -> e=C fi;
         if :: has[AT(t,e)] && !lent[AT(t,e)] -> has[AT(t,e)]=0 :: else -> e=NONE; goto rest fi };
       atomic { held[AT(t,e)]=0; e=NONE };                                               /* R2 */
rest:  skip
#ifndef FEW
    :: atomic { !sent && has[AT(t,A)] -> ring[t]=1; sent=1 }                             /* S4 */
#endif
    :: atomic { !has[AT(t,A)] && !has[AT(t,B)] && !has[AT(t,C)] -> idle[t]=1 }; end: false
    od
  } unless { atomic { !alive[t] -> e=NONE; r=NONE; rep_later=0; sent=0 } };
  gone[t]=1
}

proctype killer() {
  byte c;
  if
#ifdef KILL
  :: atomic { if :: c=0 :: c=1 fi; alive[c]=0; has[AT(c,A)]=0; has[AT(c,B)]=0; has[AT(c,C)]=0;
       lent[AT(0,A)]=0; lent[AT(0,B)]=0; lent[AT(0,C)]=0; lent[AT(1,A)]=0; lent[AT(1,B)]=0; lent[AT(1,C)]=0; c=0 }
#endif
  :: skip
  fi;
  peace=1
}

#define READ(t) if :: ring[t] -> assert(LIVES(A)); ring[t]=0; refs=1 :: else fi
inline read_rings() { atomic { READ(0); READ(1) } }
#define BITS(e)    (held[AT(0,e)] || held[AT(1,e)])
#define AT_REST    (peace && (idle[0] || reaping[0]==2) && (idle[1] || reaping[1]==2))

inline flag(e) {                                                                         /* E3 */
  atomic { if :: LIVES(e) && !evicting[e] -> evicting[e]=1 :: else -> goto back fi }
}
inline verdict(e) {                                                                      /* E7 */
  atomic { if :: evicting[e] -> skip :: else -> goto back fi;
    assert(!HAD(e) && (e==C || (!HAD(A) && !HAD(B) && !(c && HAD(C)) && !ring[0] && !ring[1])));
    state[e]=FREE; evicting[e]=0; later[e]=1 }
}

#define REAP(t) \
  :: atomic { !alive[t] && gone[t] && reaping[t]==0 && !ring[t] -> reaping[t]=1; held[AT(t,A)]=0 } \
  :: atomic { reaping[t]==1 -> held[AT(t,B)]=0; held[AT(t,C)]=0; reaping[t]=2 }

proctype raylet() {
  byte passes, rep = NONE; bit b, c, last;               /* b, c: B, C are members besides the representative */
  do
  :: read_rings()
  :: atomic { refs -> refs=0 }                                                           /* the task has ended */
  :: atomic { passes<PASSES || AT_REST -> if :: AT_REST -> last=1 :: else passes++ fi };
     if :: last -> read_rings(); refs=0 :: else fi;
     /* the mark pass, or E1: what nobody holds or refers to */
     if :: LIVES(A) && !BITS(A) && !refs -> atomic { if :: HAS_B && BITS(B) -> goto next :: else -> b=HAS_B; rep=A fi };
           atomic { c=HAS_C && LIVES(C) && !BITS(C) }
        :: !LIVES(A) && HAS_C && LIVES(C) && !BITS(C) -> rep=C
        :: else -> goto next fi;
#ifdef FLAG_FIRST
     flag(rep); if :: b -> flag(B) :: else fi; if :: c -> flag(C) :: else fi;
#endif
     if :: b -> group[B]=A :: else fi; if :: c -> group[C]=A :: else fi;
#ifndef FLAG_FIRST
#ifndef REPRESENTATIVE_LAST
     flag(rep);
#endif
     if :: b -> flag(B) :: else fi; if :: c -> flag(C) :: else fi;
#ifdef REPRESENTATIVE_LAST
     flag(rep);
#endif
#endif
#ifndef NO_SECOND_LOOK
     if :: BITS(rep) -> goto back :: else fi; if :: b && BITS(B) -> goto back :: else fi;
     if :: c && BITS(C) -> goto back :: else fi;                                         /* E4 */
#endif
#ifndef NO_DRAIN
     read_rings();                                                                       /* E5 */
#endif
     if :: rep==A && refs -> goto back :: else fi;                                       /* E6 */
#ifndef EACH_VERDICT
     verdict(rep);
#ifdef REGRANT_EARLY
     state[rep]=SEALED;
#endif
     if :: b -> atomic { assert(evicting[B]); verdict(B) } :: else fi;
     if :: c -> atomic { assert(evicting[C]); verdict(C) } :: else fi;
#else
     if :: b -> verdict(B) :: else fi; if :: c -> verdict(C); c=0 :: else fi;
     verdict(rep);
#endif
     /* contents are dropped, entries are granted again */
     if :: b -> group[B]=NONE :: else fi; if :: c -> group[C]=NONE :: else fi;
     if :: state[rep]=SEALED :: skip fi;
     goto next;
back:
#ifdef GROUP_WORDS_FIRST
     group[B]=NONE; group[C]=NONE;
#endif
#ifndef REPRESENTATIVE_KEPT
     atomic { if :: !later[rep] -> evicting[rep]=0 :: else fi };
#endif
     atomic { if :: b && !later[B] -> evicting[B]=0 :: else fi };
     atomic { if :: c && !later[C] -> evicting[C]=0 :: else fi };
#ifdef REPRESENTATIVE_KEPT
     atomic { if :: !later[rep] -> evicting[rep]=0 :: else fi };
#endif
#ifndef GROUP_STAYS
     group[B]=NONE; group[C]=NONE;
#endif
next: atomic { b=0; c=0; rep=NONE; if :: last && (!HAS_C || later[C] || !later[A]) -> break :: else fi }
  /* reap a dead process: b, f */
  REAP(0) REAP(1)
  od;
  assert(later[A] && (later[B] || !HAS_B) && (later[C] || !HAS_C))         /* what nobody takes is freed, whole */
}

init { atomic { state[A]=SEALED; state[B]=SEALED; state[C]=SEALED; has[AT(0,A)]=1; held[AT(0,A)]=1;
  run process(0); run process(1); run killer(); run raylet() } }
