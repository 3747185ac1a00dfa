/* claim.pml: offering, claiming and taking back tasks, retries and cancelling (docs/reference-rules.md, CLAIM and
 * rules 27 to 30).
 *
 * Steps    O1, O2, Q1..Q7, taking back; the reaper's b and c: settled = finished, RUNNING = retried or failed,
 *          OFFERED = queued again.
 * World    Two workers, two tasks, one result each. The claim word (state, worker, offer number) and the result word
 *          (state, creator) are one word each. NEST: task 0 waits for the result of task 1. CANCEL: the raylet fails
 *          one task.
 *          THROWS: a task may throw, and asks for another try instead of settling, while it has retries.
 * Bounds   KILLS deaths, RETRIES retries, TAKE_BACKS voluntary ones.
 * Ghosts   running, starts, settles.
 *
 * Also right
 *   NO_NUMBER           the offer number is not needed beside the worker's id (the code has the generation instead)
 * Broken
 *   NO_CAS              Q2 loads and stores (rule 27)
 *   NO_WORKER           the claim word names no worker (rule 27)
 *   NO_RESULT_CHECK     c ignores that the result is settled (rule 28)
 *   SIGKILL_IS_DEATH    retries when the signal is sent, not when the process is gone (rule 28)
 *   CANCEL STORE_SEAL   Q5 is a store (rule 29)
 *   NEST NO_BLOCKED     a worker does not say that it blocks (rule 30)
 *   THROWS CANCEL NO_LOOK the raylet reopens what it has settled itself meanwhile (rule 29)
 */
#define TASKS 2
#ifndef KILLS
#define KILLS 2
#endif
#ifndef RETRIES
#define RETRIES 1
#endif
#ifndef TAKE_BACKS
#define TAKE_BACKS 2
#endif
/* claim word */
#define IDLE 0
#define OFFERED 1
#define RUNNING 2
/* result word */
#define PENDING 0
#define CREATING 1
#define SEALED 2
#define FAILED 3
/* where[t], private to the raylet; else worker + 1 */
#define QUEUED 0
#define ENDED 3
/* message of a worker */
#define BLOCKED 1
#define UNBLOCKED 2

byte claim[TASKS], claimant[TASKS], number[TASKS];              /* the claim words */
byte result[TASKS], creator[TASKS];                             /* the result words */
chan offers0 = [2] of { byte, byte }; chan offers1 = [2] of { byte, byte };       /* to the worker: task, number */
chan done0 = [2] of { byte }; chan done1 = [2] of { byte };        /* DONE messages; THREW + t: it is to run again */
#define THREW TASKS
bit  alive[2]=1, gone[2], peace;
byte where[TASKS], retries[TASKS];
bit  blocked[2];                                                /* what the raylet has read */
byte message[2];                                                /* BLOCKED, UNBLOCKED under way */
byte running[TASKS], starts[TASKS], settles[TASKS];

#ifdef NO_NUMBER
#define SAME_OFFER(t,n) true
#else
#define SAME_OFFER(t,n) number[t]==n
#endif
inline settled(t) { settles[t]++; assert(settles[t]<=1) }

proctype worker(byte w; chan offers, dones) {
  byte t, n; bit mine;
end_again: {
end: do
  :: offers?<t,n>;                                                                       /* Q1 */
#ifdef NO_CAS
     if :: claim[t]==OFFERED && claimant[t]==w && number[t]==n -> claim[t]=RUNNING; mine=1 :: else fi;
#else
#ifdef NO_WORKER
     atomic { if :: claim[t]==OFFERED -> claim[t]=RUNNING; mine=1 :: else fi };
#else
     atomic { if :: claim[t]==OFFERED && claimant[t]==w && SAME_OFFER(t,n) -> claim[t]=RUNNING; mine=1
              :: else fi };                                                              /* Q2 */
#endif
#endif
     if
     :: mine ->
        atomic { mine=0; starts[t]++; running[t]++; assert(running[t]==1); assert(starts[t]<=retries[t]+1) };
#ifdef NEST
        if :: t==0 -> message[w]=BLOCKED; result[1]>=SEALED; message[w]=UNBLOCKED :: else fi;
#endif
        atomic { if :: result[t]==PENDING -> result[t]=CREATING; creator[t]=w :: else fi };      /* Q3 */
#ifdef THROWS
        if
        :: retries[t]<RETRIES && result[t]==CREATING && creator[t]==w ->
           atomic { running[t]--; dones!THREW+t }; goto next
        :: skip
        fi;
#endif
#ifdef STORE_SEAL
        if :: result[t]==CREATING && creator[t]==w -> atomic { result[t]=SEALED; settled(t) } :: else fi;
#else
        atomic { if :: result[t]==CREATING && creator[t]==w -> result[t]=SEALED; settled(t)
                 :: else fi };                                                           /* Q5 */
#endif
        atomic { running[t]--; dones!t }                                                 /* Q6 */
     :: else
     fi;
next: atomic { offers?t,n; t=0; n=0 }                                                    /* Q7 */
  od } unless { atomic { !alive[w] ->
         if :: mine==0 && claim[t]==RUNNING && claimant[t]==w && running[t]>0 -> running[t]-- :: else fi;
         t=0; n=0; mine=0 } };
  atomic { gone[w]=1 };
  atomic { alive[w] -> gone[w]=0 }; goto end_again
}

proctype killer() {
  byte n;
  do
  :: n<KILLS ->
     if :: atomic { alive[0] && !gone[0] -> alive[0]=0; n++ } :: atomic { alive[1] && !gone[1] -> alive[1]=0; n++ } fi
  :: peace=1; break
  od
}

#define OFFER(t,w,offers) \
  :: atomic { where[t]==QUEUED && alive[w] && nfull(offers) && !blocked[w] -> \
       where[t]=w+1; number[t]=(number[t]+1)%8; claimant[t]=w; claim[t]=OFFERED };       /* O1 */ \
     offers!t,number[t]                                                                  /* O2 */
#define TAKE_BACK(t,w) \
  :: atomic { where[t]==w+1 && (backs>0 || blocked[w]) && claim[t]==OFFERED && claimant[t]==w -> \
       claim[t]=IDLE; where[t]=QUEUED; if :: blocked[w] -> skip :: else -> backs-- fi }
#ifdef NO_LOOK
#define LOOK(t) true
#else
#define LOOK(t) (result[t]==CREATING)
#endif
#define READ_DONE(dones) :: atomic { dones?t -> \
       if \
       :: t<THREW -> assert(result[t]>=SEALED); where[t]=ENDED \
       :: t>=THREW -> t=t-THREW; \
          if :: LOOK(t) -> retries[t]++; result[t]=PENDING; where[t]=QUEUED :: else -> where[t]=ENDED fi \
       fi; t=0 }
#ifdef CANCEL
#define CANCEL_TASK(t) :: atomic { !cancelled && result[t]<=CREATING -> cancelled=1; result[t]=FAILED; settled(t) }
#else
#define CANCEL_TASK(t)
#endif
#ifdef NO_RESULT_CHECK
#define IS_SETTLED(t) false
#define REOPEN(t) result[t]=PENDING
#else
#define IS_SETTLED(t) (result[t]>=SEALED)
#define REOPEN(t) if :: result[t]==CREATING -> result[t]=PENDING :: else fi
#endif
#define JUDGE(t,w) \
  if \
  :: where[t]==w+1 && claim[t]==RUNNING -> \
     if \
     :: IS_SETTLED(t) -> where[t]=ENDED \
     :: !(IS_SETTLED(t)) && retries[t]<RETRIES -> retries[t]++; REOPEN(t); where[t]=QUEUED; claim[t]=IDLE \
     :: !(IS_SETTLED(t)) && retries[t]>=RETRIES -> result[t]=FAILED; settled(t); where[t]=ENDED \
     fi \
  :: where[t]==w+1 && claim[t]!=RUNNING -> where[t]=QUEUED; claim[t]=IDLE \
  :: else \
  fi
#ifdef SIGKILL_IS_DEATH
#define IS_DEAD(w) !alive[w] && !reaping[w]
#else
#define IS_DEAD(w) !alive[w] && gone[w] && !reaping[w]
#endif
#define REAP(w,offers,dones) \
  :: atomic { IS_DEAD(w) && empty(dones) -> reaping[w]=1; JUDGE(0,w); JUDGE(1,w) } \
  :: atomic { reaping[w] && gone[w] -> do :: offers?t,_ :: empty(offers) -> break od; t=0; \
       reaping[w]=0; blocked[w]=0; message[w]=0; alive[w]=1 }
#ifdef NO_BLOCKED
#define READ_BLOCKED(w)
#else
#define READ_BLOCKED(w) \
  :: atomic { message[w]==BLOCKED -> message[w]=0; blocked[w]=1 } \
  :: atomic { message[w]==UNBLOCKED -> message[w]=0; blocked[w]=0 }
#endif

proctype raylet() {
  byte t, backs=TAKE_BACKS; bit reaping[2], cancelled;
end: do
  :: atomic { peace && where[0]==ENDED && where[1]==ENDED && alive[0] && alive[1] && message[0]==0 && message[1]==0 ->
       assert(result[0]>=SEALED && result[1]>=SEALED && settles[0]==1 && settles[1]==1) }; break
  OFFER(0,0,offers0) OFFER(0,1,offers1) OFFER(1,0,offers0) OFFER(1,1,offers1)
  TAKE_BACK(1,0) TAKE_BACK(1,1) CANCEL_TASK(1)
  TAKE_BACK(0,0) TAKE_BACK(0,1) CANCEL_TASK(0)
  READ_DONE(done0) READ_DONE(done1)
  REAP(0,offers0,done0) REAP(1,offers1,done1)
  READ_BLOCKED(0) READ_BLOCKED(1)
  od
}

proctype oracle() { timeout -> assert(peace && where[0]==ENDED && where[1]==ENDED) }     /* no lost task */

init { atomic { run worker(0,offers0,done0); run worker(1,offers1,done1); run killer(); run raylet(); run oracle() } }
