/* several_results.pml: a task with two results and its retry (docs/reference-rules.md, rule 34). Tasks of this version
 * have one result; here so that the rule is known before the code.
 *
 * Steps    Q2; Q3 and Q4 of each result; Q5a CAS of the claim word (RUNNING, me) -> (WRITTEN, me): all results are
 *          written, this attempt counts; Q5b the CAS of each result; Q6. The reaper's c: WRITTEN: the raylet settles
 *          the rest, whose bytes are whole; RUNNING: it opens all again and retries, or fails all. Cancelling: CAS of
 *          the claim word away from RUNNING, then all results FAILED.
 * Promise  Each result is settled once, in the end, and never changes after; all are of one attempt.
 * World    Two workers, one task, two results, one reader. The raylet may cancel once; NO_CANCEL: never.
 * Bounds   KILLS deaths, RETRIES retries.
 * Ghosts   settles.
 *
 * Also right
 *   PER_RESULT                 without Q5a: a task is judged by all its results, a settled one keeps the value of
 *                              the first attempt. Each result keeps the promise, but a reader may see two attempts
 * Broken
 *   PER_RESULT SAME_ATTEMPT    that mixture, found; also with NO_CANCEL
 *   PER_RESULT JUDGE_FIRST     judged by the first result alone
 *   PER_RESULT WRITE_SETTLED   the retry writes the bytes of a result that is settled
 *   SETTLE_EARLY               a result is settled before Q5a
 *   RETRY_WRITTEN              c retries an attempt that was WRITTEN
 *   CANCEL_EACH                the raylet cancels by the results, not by the claim word
 */
#ifndef KILLS
#define KILLS 2
#endif
#ifndef RETRIES
#define RETRIES 1
#endif
/* claim word */
#define IDLE 0
#define OFFERED 1
#define RUNNING 2
#define WRITTEN 3
#define CANCELLED 4
/* result word */
#define PENDING 0
#define CREATING 1
#define SEALED 2
#define FAILED 3
/* where the task is, private to the raylet; else worker + 1 */
#define QUEUED 0
#define ENDED 3

byte claim, claimant;
byte result[2], creator[2], bytes[2];             /* bytes: which attempt wrote them */
byte where, attempt=1, settles[2];
bit  alive[2]=1, gone[2], done[2], peace;

inline settled(r) { settles[r]++; assert(settles[r]<=1) }
#define SEAL(r,w) atomic { if :: result[r]==CREATING && creator[r]==(w) -> result[r]=SEALED; settled(r) :: else fi }
#define FAIL(r)   atomic { if :: result[r]<=CREATING -> result[r]=FAILED; settled(r) :: else fi }
#define REOPEN(r,w) atomic { if :: result[r]==CREATING && creator[r]==(w) -> result[r]=PENDING :: else fi }
#ifdef WRITE_SETTLED
#define WRITE(r) bytes[r]=mine
#else
#define WRITE(r) if :: result[r]==CREATING && creator[r]==w -> bytes[r]=mine :: else fi
#endif

proctype worker(byte w) {
  byte mine;
end_again: {
end: do
  :: atomic { claim==OFFERED && claimant==w -> claim=RUNNING; mine=attempt };            /* Q2 */
     atomic { if :: result[0]==PENDING -> result[0]=CREATING; creator[0]=w :: else fi }; /* Q3 */
     atomic { if :: result[1]==PENDING -> result[1]=CREATING; creator[1]=w :: else fi };
     WRITE(0); WRITE(1);                                                                 /* Q4 */
#ifdef SETTLE_EARLY
     SEAL(0,w);
#endif
#ifndef PER_RESULT
     atomic { if :: claim==RUNNING && claimant==w -> claim=WRITTEN :: else -> goto out fi };    /* Q5a */
#endif
     SEAL(0,w); SEAL(1,w);                                                               /* Q5b */
out: atomic { done[w]=1; mine=0 }                                                        /* Q6 */
  od } unless { atomic { !alive[w] -> mine=0 } }; gone[w]=1;
  atomic { alive[w] -> gone[w]=0 }; goto end_again
}

proctype reader() {
  byte state0, state1, bytes0, bytes1;
  if :: result[0]>=SEALED -> state0=result[0]; bytes0=bytes[0] fi;
  if :: result[1]>=SEALED -> state1=result[1]; bytes1=bytes[1] fi;
#if !defined(PER_RESULT) || defined(SAME_ATTEMPT)
  assert(state0==state1 && (state0==FAILED || bytes0==bytes1));
#endif
  assert(result[0]==state0 && (state0==FAILED || bytes[0]==bytes0));
  assert(result[1]==state1 && (state1==FAILED || bytes[1]==bytes1))
}

proctype killer() {
  byte n;
  do
  :: n<KILLS ->
     if :: atomic { alive[0] && !gone[0] -> alive[0]=0; n++ } :: atomic { alive[1] && !gone[1] -> alive[1]=0; n++ } fi
  :: peace=1; break
  od
}

#ifdef PER_RESULT
#ifdef JUDGE_FIRST
#define IS_FINISHED (result[0]>=SEALED)
#else
#define IS_FINISHED (result[0]>=SEALED && result[1]>=SEALED)
#endif
#else
#define IS_FINISHED (claim==CANCELLED)
#endif
#define JUDGE(w) \
  :: !alive[w] && gone[w] && !done[w] -> \
     if \
     :: where==w+1 && claim==OFFERED -> atomic { claim=IDLE; where=QUEUED } \
     :: where==w+1 && claim!=OFFERED -> \
        if \
        :: IS_FINISHED -> where=ENDED \
        :: !(IS_FINISHED) && claim==WRITTEN WRITTEN_COUNTS -> SEAL(0,w); SEAL(1,w); where=ENDED \
        :: !(IS_FINISHED) && (claim==RUNNING WRITTEN_RETRIED) && attempt<=RETRIES -> \
           REOPEN(0,w); REOPEN(1,w); atomic { attempt++; claim=IDLE; where=QUEUED } \
        :: !(IS_FINISHED) && (claim==RUNNING WRITTEN_RETRIED) && attempt>RETRIES -> FAIL(0); FAIL(1); where=ENDED \
        fi \
     :: else \
     fi; \
     alive[w]=1
#ifdef RETRY_WRITTEN
#define WRITTEN_COUNTS && false
#define WRITTEN_RETRIED || claim==WRITTEN
#else
#define WRITTEN_COUNTS
#define WRITTEN_RETRIED
#endif

proctype raylet() {
  bit cancelled;
end: do
  :: peace && where==ENDED && alive[0] && alive[1] && !done[0] && !done[1] ->
     assert(result[0]>=SEALED && result[1]>=SEALED && settles[0]==1 && settles[1]==1); break
  :: atomic { where==QUEUED && alive[0] -> where=1; claimant=0; claim=OFFERED }
  :: atomic { where==QUEUED && alive[1] -> where=2; claimant=1; claim=OFFERED }
  :: atomic { done[0] -> done[0]=0; if :: where==1 -> where=ENDED :: else fi }
  :: atomic { done[1] -> done[1]=0; if :: where==2 -> where=ENDED :: else fi }
  JUDGE(0)
  JUDGE(1)
#ifndef NO_CANCEL
  :: atomic { !cancelled && where!=ENDED -> cancelled=1 };
#if defined(CANCEL_EACH) || defined(PER_RESULT)
     FAIL(0); FAIL(1);
#else
     atomic { if :: claim==IDLE || claim==OFFERED || claim==RUNNING -> claim=CANCELLED :: else -> goto next fi };
     FAIL(0); FAIL(1);
#endif
     if :: where==QUEUED -> where=ENDED :: else fi;
next: skip
#endif
  :: atomic { where==1 && claim==CANCELLED && alive[0] -> where=ENDED }
  :: atomic { where==2 && claim==CANCELLED && alive[1] -> where=ENDED }
  od
}

proctype oracle() { timeout -> assert(where==ENDED && result[0]>=SEALED && result[1]>=SEALED) }

init { atomic { run worker(0); run worker(1); run reader(); run killer(); run raylet(); run oracle() } }
