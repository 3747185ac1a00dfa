/* actor_overflow.pml: full rings between actors (docs/reference-rules.md, rules 15 and 35). Not built in this version;
 * here so that the rule is known before the code.
 *
 * Steps    B1 the caller's ring to the actor has room: slot and tail, as A1. B2 it is full: the call goes into the
 *          caller's ring to the raylet, which is always read. B3 too many are under way already: the call fails, and
 *          gets no number. B4 the raylet keeps a list for each actor, and puts from it into its own ring to the actor
 *          while that has room. B5 each call has its caller's next number; the actor takes, from either ring, only the
 *          number that is next for that caller, and moves the head last. Death of an actor: closed; then its rings are
 *          walked and the list is failed; what comes later fails at once; A3.
 * Why      A caller that waits for room while it runs a call waits for an actor that may wait for it. The list is the
 *          raylet's and not the caller's: a driver that computes for hours would not send on what it keeps.
 * World    Actors 0 and 1 run a call that calls the other CALLS times. DRIVER: driver 2 calls actor 0 CALLS times, and
 *          each of these calls calls actor 1 once. KILL: actor 1 may be killed.
 * Bounds   One place in each ring. LIMIT calls of a caller beyond its ring.
 * Ghosts   ran: how many calls of the caller have run.
 *
 * Also right
 *   STAY                  no numbers: a caller that has overflowed stays there until the actor has taken all of it, and
 *                         the actor takes an overflowed call only while that caller's own ring is empty
 * Broken
 *   BLOCK                 B2: wait for room
 *   NO_NUMBERS            B5: take what is there: out of order
 *   NUMBER_FIRST LIMIT=1  (CALLS=4) B3 after the number was given: a gap for which the actor waits for ever
 *   RAYLET_BLOCKS         B4: the raylet waits for room
 *   STAY DIRECT_EARLY     straight again as soon as there is room: out of order
 *   STAY OVERFLOW_FIRST   overflowed calls taken while the caller's own ring is not empty: out of order
 *   KILL NO_LIST_WALK     a death that forgets the list: results never settled
 *   KILL NO_RECHECK       without A3
 *   KILL HEAD_FIRST       the head is moved before the result is settled
 */
#ifndef CALLS
#define CALLS 3
#endif
#ifndef LIMIT
#define LIMIT 8
#endif
/* a result */
#define NONE 0
#define PENDING 1
#define SEALED 2
#define FAILED 3

/* caller 0 calls actor 1, callers 1 and 2 call actor 0 */
#define ACTOR_OF(c) ((c)==0 -> 1 : 0)
chan direct0 = [1] of { byte }; chan direct1 = [1] of { byte }; chan direct2 = [1] of { byte };
chan up0 = [1] of { byte }; chan up1 = [1] of { byte }; chan up2 = [1] of { byte };      /* to the raylet */
chan list0 = [12] of { byte, byte }; chan list1 = [12] of { byte, byte };                 /* caller, number */
chan down0 = [1] of { byte, byte }; chan down1 = [1] of { byte, byte };                   /* from the raylet */
byte result[18];                                  /* of call n of caller c: 6 * c + n */
#define RESULT(c,n) result[6*(c)+(n)]
byte sent[3], next[3];                            /* numbers given; the number that the actor takes next */
byte overflowed[3], overflow_taken[3];            /* STAY */
byte ran[3];
bit  finished[3], closed, dead, gone;      /* of actor 1 */

#define SETTLE(c,n,how) atomic { if :: RESULT(c,n)==PENDING -> RESULT(c,n)=how :: else fi }
#ifdef STAY
#ifdef DIRECT_EARLY
#define MAY_GO_STRAIGHT(c) true
#else
#define MAY_GO_STRAIGHT(c) (overflowed[c]==overflow_taken[c])
#endif
#else
#define MAY_GO_STRAIGHT(c) true
#endif

/* One call of caller c, with its rings. A refused call (B3) leaves no trace here: the next one gets its number. */
inline call(c, direct, up) {
  atomic { n=sent[c]; RESULT(c,n)=PENDING };
  if
  :: c==0 && closed -> atomic { SETTLE(c,n,FAILED); sent[c]++ }
  :: else ->
     if
     :: nfull(direct) && MAY_GO_STRAIGHT(c) -> atomic { sent[c]++; direct!n }            /* B1 */
     :: full(direct) || !MAY_GO_STRAIGHT(c) ->
#ifdef BLOCK
        atomic { nfull(direct) -> sent[c]++; direct!n }
#else
        if
        :: sent[c]-next[c]>LIMIT ->                                                      /* B3 */
#ifdef NUMBER_FIRST
           atomic { RESULT(c,n)=FAILED; sent[c]++ }
#else
           atomic { RESULT(c,n)=NONE }
#endif
        :: sent[c]-next[c]<=LIMIT -> atomic { nfull(up) -> sent[c]++; overflowed[c]++; up!n }    /* B2 */
        fi
#endif
     fi;
#ifndef NO_RECHECK
     if :: c==0 && closed -> SETTLE(c,n,FAILED) :: else fi                               /* A3 */
#endif
  fi;
  n=0
}

/* The call is run; the head is moved last, so that a death leaves the slot to be walked. */
#ifdef HEAD_FIRST
#define RUN(c,n,pop) pop; assert(n==next[c]); SETTLE(c,n,SEALED); atomic { ran[c]++; next[c]=n+1; n=0 }
#else
#define RUN(c,n,pop) assert(n==next[c]); SETTLE(c,n,SEALED); atomic { ran[c]++; next[c]=n+1; n=0 }; pop
#endif

/* Looking at the call that is next, and taking it out. */
#if defined(STAY)
#define DIRECT_NEXT(direct,c) direct?<m>
#ifdef OVERFLOW_FIRST
#define DOWN_NEXT(down,direct,c) down?<c,m>
#else
#define DOWN_NEXT(down,direct,c) atomic { down?[c,_] && empty(direct) -> down?<c,m> }
#endif
#elif defined(NO_NUMBERS)
#define DIRECT_NEXT(direct,c) direct?<m>
#define DOWN_NEXT(down,direct,c) down?<c,m>
#else
#define DIRECT_NEXT(direct,c) atomic { direct?[eval(next[c])] -> direct?<m> }
#define DOWN_NEXT(down,direct,c) atomic { down?[c,eval(next[c])] -> down?<c,m> }
#endif
#define POP(direct) direct?_
#define POP_DOWN(down,c) atomic { down?_,_ -> overflow_taken[c]++ }

proctype actor0() {
  byte n, m, i;
  do :: i<CALLS -> call(0,direct0,up0); i++ :: i==CALLS -> break od;
  atomic { i=0; finished[0]=1 };
end: do
  :: DIRECT_NEXT(direct1,1); RUN(1,m,POP(direct1))
  :: DOWN_NEXT(down0,direct1,1); RUN(1,m,POP_DOWN(down0,1))
#ifdef DRIVER
  :: DIRECT_NEXT(direct2,2); call(0,direct0,up0); RUN(2,m,POP(direct2))
  :: DOWN_NEXT(down0,direct2,2); call(0,direct0,up0); RUN(2,m,POP_DOWN(down0,2))
#endif
  od
}

proctype actor1() {
  byte n, m, i;
  { do :: i<CALLS -> call(1,direct1,up1); i++ :: i==CALLS -> break od;
    atomic { i=0; finished[1]=1 };
end: do
    :: DIRECT_NEXT(direct0,0); RUN(0,m,POP(direct0))
    :: DOWN_NEXT(down1,direct0,0); RUN(0,m,POP_DOWN(down1,0))
    od
  } unless { dead };
  atomic { gone=1; finished[1]=1; n=0; m=0; i=0 }
}

proctype driver() {
  byte n, i;
  do :: i<CALLS -> call(2,direct2,up2); i++ :: i==CALLS -> break od;
  finished[2]=1
}

#ifdef RAYLET_BLOCKS
#define KEEP0(c) down0!c,n
#define KEEP1(c) down1!c,n
#else
#define KEEP0(c) list0!c,n
#define KEEP1(c) list1!c,n
#endif

proctype raylet() {
  byte c, n;
end: do
  :: up0?n -> if :: closed -> SETTLE(0,n,FAILED) :: else -> KEEP1(0) fi; n=0
  :: up1?n -> KEEP0(1); n=0
  :: up2?n -> KEEP0(2); n=0
  :: atomic { nempty(list0) && nfull(down0) -> list0?c,n; down0!c,n; c=0; n=0 }          /* B4 */
  :: atomic { nempty(list1) && nfull(down1) && !closed -> list1?c,n; down1!c,n; c=0; n=0 }
  :: gone && !closed && empty(up1) -> closed=1;                                          /* b */
     SETTLE(1,sent[1],FAILED);                                                           /* d: it was not published */
     do :: direct0?n -> SETTLE(0,n,FAILED) :: empty(direct0) -> break od;
     do :: down1?c,n -> SETTLE(0,n,FAILED) :: empty(down1) -> break od;
#ifndef NO_LIST_WALK
     do :: list1?c,n -> SETTLE(0,n,FAILED) :: empty(list1) -> break od;
#endif
     c=0; n=0
  od
}

#ifdef KILL
proctype fate() { if :: dead=1 :: skip fi }
#endif

#define ALL_SETTLED(c) (RESULT(c,0)!=PENDING && RESULT(c,1)!=PENDING && RESULT(c,2)!=PENDING && \
                        RESULT(c,3)!=PENDING && RESULT(c,4)!=PENDING && RESULT(c,5)!=PENDING)
/* When nothing can move, everybody has made its calls, and each has its result. */
proctype oracle() {
  timeout -> assert(finished[0] && finished[1] && finished[2] && ALL_SETTLED(0) && ALL_SETTLED(1) && ALL_SETTLED(2));
#if !defined(KILL) && !defined(NUMBER_FIRST)
  assert(ran[0]==sent[0] && ran[1]==sent[1] && ran[2]==sent[2])
#endif
}

init { atomic { run actor0(); run actor1(); run raylet(); run oracle();
#ifdef DRIVER
  run driver();
#else
  finished[2]=1;
#endif
#ifdef KILL
  run fate()
#endif
  } }
