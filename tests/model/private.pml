/* private.pml: "private until shared" (docs/reference-rules.md, PRIVATE and rules 19 to 22).
 *
 * Steps    P1..P4, C1..C5, T1..T7, R1..R4, E1..E7, the reaper.
 * World    Process A (threads 0 and 1 share count, lock and pool; word 0) uses an entry again that nobody else was
 *          told of, without the raylet. It races with its own second thread, with process B (thread 2, word 1) that
 *          takes late with an old id, with freeing, with deaths, and with the entry's next use by B.
 *          SESSION_PIN: the raylet pins an entry for the session, by a name that was read from the segment. Its CAS
 *          makes itself the writer in the state word first, so that P1 fails from then on.
 * Bounds   Generations 0 to GENERATIONS + 1, KILLS deaths.
 * Ghosts   tenant, tenant_of_id: who really lives there, for NO_INCREMENT. told_a, told_b: newest id known there.
 *
 * Also right
 *   LISTED LOCKED        thread 1 knows every object of its process at once, told or not, as from a listing; then P1
 *                        needs the lock
 *   RETURN_AT_SETTLE     the reaper gives a FREE entry to the next client before it has cleared the dead one's bits
 * Broken
 *   LISTED               P1 without the lock, although others know what they were not told of
 *   KEEP_WITHOUT_COUNT   P1 keeps bit and row, but the count goes to 0 (rule 19)
 *   CLEAR_THEN_STORE     bit first, then the state by a plain store (rule 20)
 *   NO_INCREMENT         P1 without generation + 1 (rule 20)
 *   TELL_RAYLET_ONLY     what only the raylet was told counts as private (rule 21)
 *   TAKE_BACK_LIVE       the raylet takes a FREE entry from a live client (rule 22)
 *   SESSION_PIN PIN_UNSHARED   the session's pin without that CAS: the pinned entry is used again, with the pin
 */
#ifndef GENERATIONS
#define GENERATIONS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define PROCESS(t) ((t)/2)
#define FREE 0
#define CREATING 1
#define SEALED 2
#define FAILED 3
#define NOBODY 2
#define NO_ID 255

byte state=FREE, generation=0; bit evicting;
bit  raylet_wrote;                                  /* SESSION_PIN: the writer in the state word */
bit  session_pin, session_pinned;                   /* pinned now; has pinned once */
bit  held[2], hint[2];
byte count[2]; bit locked[2];                       /* private to a process */
bit  pooled[2], kept[2], private[2];                /* in its pool; there with bit, row and count; nobody was told */
byte owner = 0;                                     /* private to the raylet */
byte refs; chan ring_a = [1] of { byte };           /* A tells the raylet: argument of a task, container */
bit  alive[2]=1, gone[3], idle[3], peace; byte reaping[2], holds[3];
byte tenant, tenant_of_id;
byte told_a=NO_ID, told_b=NO_ID;
#define ALL_GONE(c)  ((c)==0 -> (gone[0]&&gone[1]) : gone[2])
#define NONE_GONE(c) ((c)==0 -> (!gone[0]&&!gone[1]) : !gone[2])
#define AT_REST      (peace&&alive[0]&&alive[1]&&idle[0]&&idle[1]&&idle[2]&&empty(ring_a))
#define CAN_RECYCLE(c) (private[c] && state==SEALED && !evicting && !raylet_wrote && generation<=GENERATIONS && \
                        tenant<3)

inline count_in(c) {
  atomic { !locked[c] -> locked[c]=1; count[c]++ };
  if
  :: count[c]==1 -> hint[c]=1; atomic { held[c]=1; locked[c]=0 }
  :: atomic { count[c]!=1 -> locked[c]=0 }
  fi
}
inline next_tenant() {
  assert(!session_pin);
#ifdef NO_INCREMENT
  state=FREE; tenant++
#else
  state=FREE; generation=generation+1
#endif
}
inline recycle(c) {
#ifdef KEEP_WITHOUT_COUNT
  next_tenant(); pooled[c]=1; kept[c]=1; private[c]=0; count[c]=0
#else
  next_tenant(); pooled[c]=1; kept[c]=1; private[c]=0                                    /* P1: the count stays 1 */
#endif
}
inline release(c) {                                                                      /* P2 */
  atomic { !locked[c] -> locked[c]=1 };
  if
  :: atomic { count[c]==1 -> count[c]=0; private[c]=0 }; held[c]=0; atomic { hint[c]=0; locked[c]=0 }
  :: atomic { count[c]!=1 -> count[c]--; locked[c]=0 }
  fi
}
/* Drops a handle: P1 if it is the last one of a private entry, else RELEASE (P2). */
#ifdef CLEAR_THEN_STORE
inline drop(c) {
  atomic { !locked[c] -> locked[c]=1 };
  if
  :: atomic { count[c]==1 && private[c] && generation<=GENERATIONS -> count[c]=0; held[c]=0 };
     atomic { next_tenant(); evicting=0; pooled[c]=1; kept[c]=0; private[c]=0; hint[c]=0; locked[c]=0 }
  :: atomic { !(count[c]==1 && private[c] && generation<=GENERATIONS) -> locked[c]=0 }; release(c)
  fi
}
#else
#ifdef LOCKED
inline drop(c) {
  atomic { !locked[c] -> locked[c]=1 };
  if
  :: atomic { count[c]==1 && CAN_RECYCLE(c) -> recycle(c); locked[c]=0 }
  :: atomic { count[c]==1 && !(CAN_RECYCLE(c)) -> count[c]=0; private[c]=0 };
     held[c]=0; atomic { hint[c]=0; locked[c]=0 }
  :: atomic { count[c]!=1 -> count[c]--; locked[c]=0 }
  fi
}
#else
inline drop(c) {
  if
  :: atomic { count[c]==1 && private[c] -> skip };                                       /* the look */
     if
     :: atomic { CAN_RECYCLE(c) -> recycle(c) }                                          /* the CAS */
     :: atomic { !(CAN_RECYCLE(c)) -> skip }; release(c)
     fi
  :: atomic { !(count[c]==1 && private[c]) -> skip }; release(c)
  fi
}
#endif
#endif

proctype thread(byte t) {
  byte g, tenant_wanted;
again: {
  do
  /* create */
  :: atomic { pooled[PROCESS(t)] && holds[t]==0 && !locked[PROCESS(t)] -> pooled[PROCESS(t)]=0; locked[PROCESS(t)]=1 };
     if
     :: atomic { kept[PROCESS(t)] -> kept[PROCESS(t)]=0;                                 /* P3 */
#ifdef KEEP_WITHOUT_COUNT
          count[PROCESS(t)]++;
#endif
          locked[PROCESS(t)]=0 }
     :: atomic { !kept[PROCESS(t)] -> locked[PROCESS(t)]=0 }; count_in(PROCESS(t))       /* C2 */
     fi;
     atomic { assert(state==FREE && !evicting); state=CREATING; raylet_wrote=0; holds[t]=generation+1;          /* C3 */
       private[PROCESS(t)]=1;
#ifdef LISTED
       if :: PROCESS(t)==0 -> told_a=generation; tenant_of_id=tenant :: else -> told_b=generation fi
#endif
     };
     atomic { assert(state==CREATING && generation==holds[t]-1); state=SEALED }          /* C5 */
  /* P4: the other process is told */
  :: atomic { holds[t]!=0 && !locked[PROCESS(t)] -> private[PROCESS(t)]=0; told_b=holds[t]-1; told_a=holds[t]-1;
       tenant_of_id=tenant }
  /* P4: the raylet is told: argument of a task */
  :: atomic { holds[t]!=0 && t==0 && !locked[0] ->
#ifndef TELL_RAYLET_ONLY
       private[0]=0
#endif
     }; ring_a!(holds[t]-1)
  /* use, drop */
  :: atomic { holds[t]!=0 -> assert(generation==holds[t]-1 && state!=FREE); holds[t]=0 }; drop(PROCESS(t))
  /* take with a weak or an old id */
  :: atomic { holds[t]==0 && t!=0 && (PROCESS(t)==0 -> told_a : told_b)!=NO_ID ->
       g=(PROCESS(t)==0 -> told_a : told_b); tenant_wanted=tenant_of_id; if :: g>0 -> g-- :: skip fi };
     count_in(PROCESS(t));
     if
     :: atomic { generation==g && state!=FREE && !evicting ->
          assert(t!=1 || tenant_wanted==tenant); holds[t]=g+1; g=0; tenant_wanted=0 }
     :: atomic { generation==g && state!=FREE && evicting -> evicting=0; holds[t]=g+1; g=0; tenant_wanted=0 }
     :: atomic { generation!=g || state==FREE -> g=0; tenant_wanted=0 }; drop(PROCESS(t))
     fi
  :: atomic { holds[t]==0 -> idle[t]=1 }; end: false
  od } unless { atomic { !alive[PROCESS(t)] -> g=0; tenant_wanted=0 } }; atomic { gone[t]=1 };
  atomic { alive[PROCESS(t)] -> gone[t]=0 }; goto again
}

proctype killer() {
  byte n; byte c;
  do
  :: n<KILLS -> if :: c=0 :: c=1 fi;
     atomic { alive[c] && NONE_GONE(c) ->
       alive[c]=0; locked[c]=0; count[c]=0; pooled[c]=0; kept[c]=0; private[c]=0; n++;
       if :: c==0 -> holds[0]=0; holds[1]=0 :: else -> holds[2]=0 fi }
  :: peace=1; break
  od
}

inline look(w) { if :: held[w] -> goto back :: else fi }

proctype raylet() {
  byte g, c, name; bit flagged;
  do
  :: atomic { AT_REST && refs==0 ->
       assert((!held[0]||(pooled[0]&&kept[0])) && (!held[1]||(pooled[1]&&kept[1])) && !evicting && state!=CREATING);
       assert(held[0]==hint[0] && held[1]==hint[1]) }; break
  :: atomic { ring_a?name -> assert(generation==name && state!=FREE); refs++; name=0 }
  :: atomic { refs>0 -> refs-- }                                                         /* the task has ended */
  :: atomic { (state==SEALED||state==FAILED) && refs==0 -> g=generation };               /* E1 */
     look(0); look(1);                                                                   /* E2 */
     atomic { if :: (state==SEALED||state==FAILED) && generation==g -> evicting=1; flagged=1
              :: else -> goto back fi };                                                 /* E3 */
     look(0); look(1);                                                                   /* E4 */
     if :: session_pin -> goto back :: else fi;
     do
     :: atomic { ring_a?name -> assert(generation==name && state!=FREE); refs++; name=0 }
     :: empty(ring_a) -> break
     od;                                                                                 /* E5 */
     atomic { if :: !evicting || refs!=0 -> goto back :: else fi;                        /* E6, E7 */
       assert(holds[0]!=g+1 && holds[1]!=g+1 && holds[2]!=g+1);
       assert(!pooled[0] && !pooled[1]);
       state=FREE; evicting=0; generation=generation+1; owner=NOBODY; flagged=0; g=0 };
     goto next;
back: atomic { if :: flagged -> evicting=0; flagged=0 :: else fi; g=0 };
next: skip
  :: atomic { state==FREE && owner==NOBODY && generation<=GENERATIONS ->
       if :: c=0 :: c=1 fi; if :: alive[c] && NONE_GONE(c) -> owner=c; pooled[c]=1 :: else fi; c=0 }
#ifdef SESSION_PIN
  :: atomic { state==SEALED && !session_pinned -> session_pinned=1; g=generation };
#ifdef PIN_UNSHARED
     atomic { session_pin=1; g=0 }
#else
     atomic { if :: state==SEALED && generation==g -> raylet_wrote=1; session_pin=1 :: else fi; g=0 }
#endif
  :: session_pin -> session_pin=0
#endif
#ifdef TAKE_BACK_LIVE
  :: atomic { owner!=NOBODY && state==FREE && alive[owner] -> owner=NOBODY }
#endif
#ifdef RETURN_AT_SETTLE
#define RETURNS_EARLY true
#else
#define RETURNS_EARLY false
#endif
#define REAP(c) \
  :: atomic { !alive[c] && ALL_GONE(c) && reaping[c]==0 && (c==1 || empty(ring_a)) -> reaping[c]=1; \
       if :: owner==c && state==CREATING -> state=FAILED :: else fi; \
       if :: RETURNS_EARLY && owner==c && state==FREE -> owner=NOBODY :: else fi } \
  :: atomic { reaping[c]==1 -> reaping[c]=2; if :: hint[c] -> held[c]=0 :: else fi } \
  :: atomic { reaping[c]==2 -> reaping[c]=3; hint[c]=0; if :: owner==c && state==FREE -> owner=NOBODY :: else fi } \
  :: atomic { reaping[c]==3 -> assert(!held[c]); reaping[c]=0; \
       if :: c==0 -> idle[0]=0; idle[1]=0 :: else -> idle[2]=0 fi; alive[c]=1 }
  REAP(0) REAP(1)
  od
}

init { atomic { pooled[0]=1; run thread(0); run thread(1); run thread(2); run killer(); run raylet() } }
