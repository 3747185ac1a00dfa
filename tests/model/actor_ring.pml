/* actor_ring.pml: a ring straight from a caller to an actor (docs/reference-rules.md, rules 16 and 31). Not built in
 * this version; here so that the rules are known before the code.
 *
 * Steps    Caller: A1 slot, tail; A2 full fence; A3 closed? then CAS the own result PENDING -> FAILED. Actor: look at
 *          the slot, take the argument, run, settle, drop, head + 1 last. EVICT: E5 also scans [head, tail) of the
 *          ring. Death of the caller: its bits go; the ring stays, and is scanned, until it is empty. Death of the
 *          actor: `closed` by exchange, then walk the ring and fail what is not settled.
 * World    Caller (word 0), actor (word 1), one argument X that a call has or has not. The ring wraps; the caller
 *          overwrites taken slots while the raylet scans step by step. Its tail store lies in a store buffer.
 * Bounds   PLACES in the ring, CALLS calls, each process may be killed once.
 * Ghosts   call_has_x.
 *
 * Also right
 *   WAIT            a taker waits for the verdict
 *   TAIL_FIRST      the scan reads the tail before the head
 * Broken
 *   NO_SCAN         E5 does not look into the ring (rule 16)
 *   NO_SCAN DEFER   the same, with a caller that keeps X to the end
 *   NO_RECHECK      without A3
 *   NO_FENCE        without A2
 *   WALK_FIRST      the ring is walked, then closed (rule 31)
 *   HEAD_FIRST      the actor moves the head before it has taken the argument (rule 16)
 */
#ifndef CALLS
#define CALLS 3
#endif
#ifndef PLACES
#define PLACES 2
#endif
#define FREE 0
#define SEALED 2
/* a result */
#define PENDING 1
#define RESULT_SEALED 2
#define RESULT_FAILED 3

byte state=SEALED; bit evicting, held[2], closed;
byte count[2]; bit holds[2];
byte result[CALLS];
bit  slot_has_x[PLACES]; byte slot_call[PLACES], head, tail, own_tail;    /* the caller's stores up to own_tail */
bit  call_has_x[CALLS];
byte fated, reaping_caller; bit alive[2]=1, gone[2], walked, caller_done, busy;
#define DRAINED (tail==own_tail)
#define AT_REST ((alive[0] -> caller_done : reaping_caller==2) && (alive[1] -> !busy && head==tail : walked) && DRAINED)
#define X_UNDER_WAY (!closed && ((head<own_tail && slot_has_x[head%PLACES]) || \
                                 (head+1<own_tail && slot_has_x[(head+1)%PLACES])))
inline count_in(c) { count[c]++; if :: count[c]==1 -> held[c]=1 :: else fi }
inline count_out(c) { atomic { (c!=0 || DRAINED); count[c]-- }; if :: count[c]==0 -> held[c]=0 :: else fi }

proctype caller() {
  byte i;
  { do
    :: i<CALLS ->
       result[i]=PENDING;
       if :: own_tail-head<PLACES || closed fi;                           /* room */
       if
       :: closed -> atomic { if :: result[i]==PENDING -> result[i]=RESULT_FAILED :: else fi }
       :: else ->
          if :: holds[0] -> atomic { slot_has_x[own_tail%PLACES]=1; call_has_x[i]=1 }
             :: atomic { slot_has_x[own_tail%PLACES]=0 } fi;
          slot_call[own_tail%PLACES]=i;                                                  /* A1 */
          atomic { DRAINED; own_tail++ };
#ifndef NO_FENCE
          DRAINED;                                                                       /* A2 */
#endif
#ifndef NO_RECHECK
          if :: closed -> atomic { if :: result[i]==PENDING -> result[i]=RESULT_FAILED :: else fi }
             :: !closed fi;                                                              /* A3 */
#endif
       fi;
       i++
#ifndef DEFER
    :: holds[0] -> holds[0]=0; count_out(0)
#endif
    :: i==CALLS -> break
    od;
    result[0]>=RESULT_SEALED; result[1]>=RESULT_SEALED; result[CALLS-1]>=RESULT_SEALED;  /* Get */
    if :: holds[0] -> holds[0]=0; count_out(0) :: else fi;
    caller_done=1; end: false
  } unless { atomic { !alive[0] -> holds[0]=0; count[0]=0 } }; atomic { DRAINED -> gone[0]=1; caller_done=1 }
}

proctype actor() {
  byte i; bit has_x;
  {
end: do
    :: atomic { head<tail && !closed -> busy=1 }; has_x=slot_has_x[head%PLACES]; i=slot_call[head%PLACES];
#ifdef HEAD_FIRST
       head++;
#endif
       if
       :: has_x -> count_in(1);
          if
          :: atomic { state!=FREE && !evicting -> holds[1]=1 }
#ifndef WAIT
          :: atomic { state!=FREE && evicting -> evicting=0; holds[1]=1 }
#endif
          :: state==FREE -> assert(false)                                 /* of a published call it is never gone */
          fi
       :: else
       fi;
       atomic { if :: result[i]==PENDING -> result[i]=RESULT_SEALED :: else fi };
       if :: holds[1] -> holds[1]=0; count_out(1) :: else fi;
#ifndef HEAD_FIRST
       head++;
#endif
       atomic { busy=0; i=0; has_x=0 }
    od } unless { atomic { !alive[1] -> holds[1]=0; count[1]=0; i=0; has_x=0 } }; gone[1]=1
}

proctype fate() { if :: alive[0]=0 :: skip fi; fated++; if :: alive[1]=0 :: skip fi; fated++ }
proctype store_buffer() { end: do :: atomic { tail!=own_tail -> tail=own_tail } od }
inline look(w) { if :: held[w] -> goto back :: else fi }
inline walk() {
  n=head;
  do
  :: n<tail -> atomic { if :: result[slot_call[n%PLACES]]==PENDING -> result[slot_call[n%PLACES]]=RESULT_FAILED
                        :: else fi }; n++
  :: n>=tail -> break
  od; n=0
}

proctype raylet() {
  byte n, t; bit rest;
end: do
  :: atomic { state==SEALED -> rest=(fated==2 && AT_REST) };                             /* E1 */
     evicting=1; look(0); look(1);                                                       /* E3, E4 */
#ifndef NO_SCAN
     if
     :: !walked ->                                                                       /* E5 */
#ifdef TAIL_FIRST
        t=tail; n=head;
#else
        n=head; t=tail;
#endif
        do :: n<t -> if :: slot_has_x[n%PLACES] -> goto back :: else fi; n++ :: n>=t -> break od
     :: else
     fi;
#endif
     atomic { if :: !evicting -> goto back :: else fi; assert(!holds[0] && !holds[1]); assert(!X_UNDER_WAY);
              state=FREE; evicting=0; n=0; t=0; rest=0 };                                /* E7 */
     goto next;
back: atomic { assert(!rest); evicting=0; rest=0; n=0; t=0 };             /* at rest it can be freed */
next: skip
  :: atomic { !alive[0] && gone[0] && reaping_caller==0 -> reaping_caller=1 };
     atomic { held[0]=0; reaping_caller=2 }
  :: atomic { !alive[1] && gone[1] && !closed ->
#ifdef WALK_FIRST
       skip };
     walk(); closed=1;
#else
       closed=1 };
     walk();
#endif
     held[1]=0; walked=1
  od
}

/* nothing is lost, nothing left */
proctype oracle() { timeout -> assert(caller_done && !held[0] && !held[1] && state==FREE) }

init { atomic { held[0]=1; count[0]=1; holds[0]=1;
  run caller(); run actor(); run fate(); run store_buffer(); run raylet(); run oracle() } }
