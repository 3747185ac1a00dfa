/* submit.pml: a reference under way to a task (docs/reference-rules.md, rules 13 to 18 and 28).
 *
 * Steps    S1..S4, S7; Q2..Q6 in outline; E1..E7 with E5, E6; R1..R3, T2..T7; the reaper's a to g, i.
 * World    A (word 0) submits a task with argument X through its ring and drops X. The raylet reads the ring, and so
 *          counts in raylet_refs. Worker B (word 1) takes X when it runs, may submit a nested task with X, may keep X
 *          beyond its end. A and B may be killed at any step. A's tail store is plain and lies in a store buffer.
 * Bounds   A's ring has RING places: full is the normal case. SUBMISSIONS in all, KILLS deaths, generations 0 and 1.
 *          One thread a process, so locks are left out.
 * Ghosts   published, finished; holds is what the program has.
 *
 * Also right
 *   WAIT            a taker waits for the verdict
 *   EXIT_CLEARS     a tidy exit may clear its own bits
 *   CLEAR_FIRST     the reaper may clear bits before it drains, since the evictor drains, too
 *   DEFER NO_IDLE   A keeps its bit until the raylet has read the message, and always comes back to the library
 * Broken
 *   DEFER           the same, but A computes for hours: X is held by nobody and never freed (rule 14)
 *   DEFER NO_IDLE DEFER_NO_COUNT, ... EXIT_CLEARS, ... CLEAR_FIRST    deferral with what it would need left out
 *   NO_DRAIN        without E5 (rule 13)
 *   DRAIN_BEFORE    E5 before E4 (rule 13)
 *   PENDING_FIRST   the reaper fails PENDING results before it drains the ring
 *   NO_FAIL_RESULT  it forgets PENDING results that were never submitted
 *   RESET_RING      i: the ring is used again while messages are unread
 *   JUDGE_FIRST     c before b: the dead worker's task is judged before its ring is read (rule 28)
 */
#ifndef RING
#define RING 1
#endif
#ifndef SUBMISSIONS
#define SUBMISSIONS 2
#endif
#ifndef KILLS
#define KILLS 2
#endif
#ifndef GENERATIONS
#define GENERATIONS 1
#endif
#define FREE 0
#define SEALED 2
/* messages of B */
#define SUBMIT 1
#define DONE 2
/* job of B */
#define NO_JOB 0
#define OFFERED 1
#define CLAIMED 2
/* the result entry of A's first task */
#define NO_RESULT 0
#define RESULT_PENDING 1
#define RESULT_SEALED 2
#define RESULT_FAILED 3

byte state = SEALED, generation = 0; bit evicting;     /* X's state word */
bit  held[2], hint[2];
byte count[2], holds[2];                               /* private counts; the program has generation holds - 1 */
bit  pooled, deferred; byte ahead;                     /* A: a free entry; DEFER: a deferred release, messages before */
bit  buffered; byte buffered_name, told;               /* A's store buffer: a published message */
chan ring_a = [RING] of { byte };                      /* A to the raylet: X's generation (+ 4: it is the first task) */
chan ring_b = [3] of { byte, byte };                   /* B to the raylet */
bit  granted;                                          /* raylet: the free entry is in A's pool */
byte refs, job, job_name, queued[4], submissions, published, finished;
byte result; bit result_known;                         /* known: in the raylet's table of tasks */
bit  alive[2] = 1, gone[2], idle[2], peace;
byte reaping[2];

/* Reading a message is counting it. */
#define READ_A atomic { ring_a?name -> \
    if :: name>=4 -> name=name-4; assert(result==RESULT_PENDING); result_known=1 :: else fi; \
    assert(state!=FREE && generation==name); refs++; queued[name]++; \
    if :: ahead>0 -> ahead-- :: else fi; name=0 }
#define READ_B atomic { ring_b?kind,name -> \
    if :: kind==SUBMIT -> assert(state!=FREE && generation==name); refs++; queued[name]++ \
    :: else -> assert(job==CLAIMED && refs>0); refs--; job=NO_JOB; finished++; \
       if :: result_known && result==RESULT_PENDING -> result=RESULT_SEALED :: else fi \
    fi; name=0; kind=0 }

inline count_in(c) { count[c]++; if :: count[c]==1 -> hint[c]=1; held[c]=1 :: else fi }
inline count_out(c) {
  atomic { (c!=0 || !buffered); count[c]-- };          /* a locked instruction waits for the store buffer */
  if :: count[c]==0 -> held[c]=0; hint[c]=0 :: else fi
}
inline check(c,g,entitled) {
  if
  :: atomic { generation==g && state!=FREE && !evicting -> holds[c]=g+1; g=0 }
#ifndef WAIT
  :: atomic { generation==g && state!=FREE && evicting -> evicting=0; holds[c]=g+1; g=0 }
#endif
  :: atomic { generation!=g || state==FREE -> assert(!entitled); g=0 }; count_out(c)
  fi
}
#ifdef DEFER_NO_COUNT
#define DEFERRED_RELEASE held[0]=0; hint[0]=0
#else
#define DEFERRED_RELEASE count_out(0)
#endif
#ifdef NO_IDLE
#define MAY_IDLE (!deferred)
#else
#define MAY_IDLE true
#endif
#define DIE(c) atomic { holds[c]=0; count[c]=0; if :: c==0 -> deferred=0; ahead=0; pooled=0 :: else fi; alive[c]=0 }

proctype A() {
  byte g;
again: {
  do
  :: atomic { holds[0] && submissions<SUBMISSIONS && len(ring_a)+buffered<RING ->
       submissions++; g=holds[0]-1 };                                                    /* S2, S3 */
     atomic { if :: result==NO_RESULT -> result=RESULT_PENDING; g=g+4 :: else fi };      /* S1 */
     atomic { !buffered -> buffered=1; buffered_name=g; g=0 }                            /* S4 */
  :: atomic { holds[0]!=0 -> holds[0]=0;                                                 /* S7 */
#ifdef DEFER
       if :: len(ring_a)+buffered>0 -> ahead=len(ring_a)+buffered;
#ifdef DEFER_NO_COUNT
             count[0]--; deferred=1; goto next                    /* the deferred release owns no count */
#else
             if :: deferred -> count[0]-- :: else -> deferred=1 fi; goto next            /* it owns one */
#endif
          :: else -> skip fi
#endif
     };
     count_out(0)
#ifdef DEFER
  :: atomic { deferred && ahead==0 -> deferred=0 }; DEFERRED_RELEASE
#endif
  :: atomic { holds[0]==0 -> if :: g=0 :: told>=1 -> g=1 fi }; count_in(0); check(0,g,false)     /* a stale take */
  :: atomic { pooled && holds[0]==0 -> pooled=0 }; count_in(0);
     atomic { assert(state==FREE); state=SEALED; told=generation; holds[0]=generation+1 }
#ifdef EXIT_CLEARS
  :: atomic { !buffered -> holds[0]=0; held[0]=0; hint[0]=0 }; DIE(0)
#endif
  :: atomic { holds[0]==0 && MAY_IDLE -> idle[0]=1 }; end: false  /* user code that never calls the library again */
next: skip
  od } unless { atomic { !alive[0] -> g=0 } }; atomic { !buffered -> gone[0]=1 };
  atomic { alive[0] -> gone[0]=0 }; goto again
}

proctype B() {
  byte g;
again: {
  do
  :: atomic { job==OFFERED && holds[1]==0 -> job=CLAIMED; g=job_name };                  /* Q2 */
     count_in(1); check(1,g,true);                                                       /* never gone */
     if :: atomic { submissions<SUBMISSIONS -> submissions++; ring_b!SUBMIT,holds[1]-1; published++ }
        :: skip fi;                                               /* a nested task with the same argument */
     atomic { assert(generation==holds[1]-1 && state!=FREE) };                           /* Q4 */
     if :: atomic { holds[1]=0 }; count_out(1); atomic { ring_b!DONE,generation }        /* Q6 */
        :: atomic { ring_b!DONE,generation } fi                   /* keeps X beyond the task */
  :: atomic { holds[1]!=0 -> assert(generation==holds[1]-1 && state!=FREE) };
     if :: atomic { submissions<SUBMISSIONS && nfull(ring_b) -> submissions++; ring_b!SUBMIT,holds[1]-1; published++ }
        :: skip fi;                                               /* passes what it kept on */
#ifdef DEFER
     empty(ring_b);                                               /* B defers, too */
#endif
     atomic { holds[1]=0 }; count_out(1)
  :: atomic { holds[1]==0 && job==NO_JOB -> if :: g=0 :: told>=1 -> g=1 fi }; count_in(1); check(1,g,false)
  :: atomic { holds[1]==0 -> idle[1]=1 }; end: atomic { job==OFFERED -> idle[1]=0 }
  od } unless { atomic { !alive[1] -> gone[1]=1; g=0 } };
  atomic { alive[1] -> gone[1]=0 }; goto again
}

proctype killer() {
  byte n;
  do
  :: n<KILLS -> n++;
     if :: atomic { alive[0] && !gone[0] -> DIE(0) } :: atomic { alive[1] && !gone[1] -> DIE(1) } fi
  :: peace=1; break
  od
}

active proctype store_buffer() {
end: do :: atomic { buffered -> ring_a!buffered_name; buffered=0; buffered_name=0; published++ } od
}

#define AT_REST (peace && alive[0] && alive[1] && idle[0] && idle[1] && job==NO_JOB && queued[0]+queued[1]==0 && \
                 !buffered && empty(ring_a) && empty(ring_b))
inline look(w) { if :: held[w] -> goto back :: else fi }
inline drain() { do :: READ_A :: empty(ring_a) -> break od; do :: READ_B :: empty(ring_b) -> break od }

proctype raylet() {
  byte g, name, kind; bit flagged;
  do
  :: atomic { AT_REST ->
       assert(refs==0 && finished==published && !held[0] && !held[1] && !hint[0] && !hint[1] && !evicting &&
              result!=RESULT_PENDING) }; break
  :: READ_A
  :: READ_B
  :: atomic { job==NO_JOB && alive[1] && queued[0]>0 -> queued[0]--; job_name=0; job=OFFERED }
  :: atomic { job==NO_JOB && alive[1] && queued[1]>0 -> queued[1]--; job_name=1; job=OFFERED }
  :: atomic { state==SEALED && refs==0 -> g=generation };                                /* E1 */
#ifdef DRAIN_BEFORE
     drain();
#endif
     atomic { evicting=1; flagged=1 };                                                   /* E3 */
     look(0); look(1);                                                                   /* E4 */
#if !defined(DEFER) && !defined(DRAIN_BEFORE) && !defined(NO_DRAIN)
     drain();                                                                            /* E5 */
#endif
     atomic { if :: refs!=0 -> goto back :: else fi;                                     /* E6 */
              if :: !evicting -> goto back :: else fi;                                   /* E7, rescued */
              assert(holds[0]!=g+1 && holds[1]!=g+1 && !buffered && empty(ring_a));
              state=FREE; evicting=0; generation=generation+1; granted=0; flagged=0; g=0 };
     goto next;
back: atomic { evicting=0; flagged=0; g=0 };
next: skip
  :: atomic { state==FREE && generation<=GENERATIONS && !granted && alive[0] && !gone[0] && !idle[0] ->
       granted=1; pooled=1 }
  /* reap A: b drain, d fail what was never published, f bits, g rows, i */
#define DEAD_A(n)   !alive[0] && gone[0] && reaping[0]==n
#define CLEAR_BITS  if :: hint[0] -> held[0]=0 :: else fi
#define CLEAR_ROWS  hint[0]=0; if :: state==FREE -> granted=0 :: else fi
#define FAIL_RESULT if :: result==RESULT_PENDING && !result_known -> result=RESULT_FAILED :: else fi
#ifdef CLEAR_FIRST
  :: atomic { DEAD_A(0) -> CLEAR_BITS; reaping[0]=1 }
  :: atomic { DEAD_A(1) -> CLEAR_ROWS; reaping[0]=2 }
  :: atomic { DEAD_A(2) && empty(ring_a) -> FAIL_RESULT; reaping[0]=3 }
#else
#if defined(PENDING_FIRST)
  :: atomic { DEAD_A(0) -> FAIL_RESULT; reaping[0]=1 }
#elif defined(RESET_RING) || defined(NO_FAIL_RESULT)
  :: atomic { DEAD_A(0) -> reaping[0]=1 }
#else
  :: atomic { DEAD_A(0) && empty(ring_a) -> FAIL_RESULT; reaping[0]=1 }                  /* READ_A went on meanwhile */
#endif
  :: atomic { DEAD_A(1) -> CLEAR_BITS; reaping[0]=2 }
  :: atomic { DEAD_A(2) -> CLEAR_ROWS; reaping[0]=3 }
#endif
#ifdef RESET_RING
  :: atomic { DEAD_A(3) -> do :: ring_a?name :: empty(ring_a) -> break od; name=0; FAIL_RESULT;
       reaping[0]=0; idle[0]=0; alive[0]=1 }
#else
  :: atomic { DEAD_A(3) && empty(ring_a) -> reaping[0]=0; idle[0]=0; alive[0]=1 }
#endif
  /* reap B: b, c */
#ifdef JUDGE_FIRST
  :: atomic { !alive[1] && gone[1] && reaping[1]==0 -> reaping[1]=1 }
#else
  :: atomic { !alive[1] && gone[1] && reaping[1]==0 && empty(ring_b) -> reaping[1]=1 }
#endif
  :: atomic { reaping[1]==1 -> reaping[1]=2;
       if :: job==OFFERED -> job=NO_JOB; queued[job_name]++                              /* never begun: queued again */
          :: job==CLAIMED -> job=NO_JOB; queued[job_name]++                              /* retried: refs stays */
          :: job==CLAIMED -> job=NO_JOB; refs--; finished++;                             /* or failed */
             if :: result_known && result==RESULT_PENDING -> result=RESULT_FAILED :: else fi
          :: else fi; job_name=0 }
  :: atomic { reaping[1]==2 -> if :: hint[1] -> held[1]=0 :: else fi; reaping[1]=3 }
  :: atomic { reaping[1]==3 && empty(ring_b) -> hint[1]=0; reaping[1]=0; idle[1]=0; alive[1]=1 }
  od
}

init { atomic { held[0]=1; hint[0]=1; count[0]=1; holds[0]=1; run A(); run B(); run killer(); run raylet() } }
