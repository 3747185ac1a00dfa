/* containers.pml: an object inside an object (docs/reference-rules.md, rule 17).
 *
 * Steps    A: C3 create Y; the message "Y contains X"; C5 seal Y; tell of Y; only now drop X. The raylet reads the
 *          message: raylet_refs of X + 1, remembered with Y. Freeing Y (E8): raylet_refs of X - 1. E1..E7 for X and Y.
 * World    A (word 0) holds X, puts X into Y, tells B (word 1) of Y, drops both. B takes Y, opens it, takes X. A's tail
 *          store lies in a store buffer. Each may be killed once. Rows: see holders.pml.
 *
 * Also right
 *   NO_GENERATION_CHECK   the message's Y is not looked at, if rings are drained before Y is freed
 *   NO_DRAIN_Y            rings are not drained before Y is freed, if the message's Y is looked at
 * Broken
 *   TELL_FIRST            Y is told before the message
 *   DROP_FIRST            X is dropped before the message
 *   NO_DRAIN              without E5
 *   NO_DRAIN_Y NO_GENERATION_CHECK   X is counted for ever for a Y that is gone
 */
#define FREE 0
#define CREATING 1
#define SEALED 2
#define FAILED 3
#define X 0
#define Y 1
byte state[2]; bit evicting[2];                   /* of X and Y */
bit  held_a[2], held_b[2];                        /* holder bits */
bit  a_has[2], b_has[2];                          /* handles of the programs */
chan ring_a = [1] of { bit }; bit buffered;
byte refs_x; bit contains, told;                  /* raylet: raylet_refs of X; its record of Y */
bit  alive[2]=1, gone[2], a_done, b_done, peace; byte reaping[2];

proctype A() {
  { held_a[Y]=1; atomic { state[Y]=CREATING; a_has[Y]=1 };                               /* C2, C3 */
#ifdef TELL_FIRST
    state[Y]=SEALED; told=1;
#endif
#ifdef DROP_FIRST
    a_has[X]=0; held_a[X]=0;
#endif
    atomic { !buffered -> buffered=1 };                                                  /* "Y contains X" */
#ifndef TELL_FIRST
    atomic { !buffered && state[Y]==CREATING -> state[Y]=SEALED };                       /* C5 drains the buffer */
    told=1;
#endif
#ifndef DROP_FIRST
    a_has[X]=0; atomic { !buffered -> held_a[X]=0 };                                     /* R2 */
#endif
    a_has[Y]=0; held_a[Y]=0;
    a_done=1; end: false
  } unless { atomic { !alive[0] -> a_has[X]=0; a_has[Y]=0 } }; atomic { !buffered -> gone[0]=1; a_done=1 }
}

inline take(e, must_be) {
  held_b[e]=1;                                                                           /* T3 */
  if
  :: atomic { (state[e]==SEALED || state[e]==FAILED) && !evicting[e] -> b_has[e]=1 }     /* T6 */
  :: atomic { (state[e]==SEALED || state[e]==FAILED) && evicting[e] -> evicting[e]=0; b_has[e]=1 }       /* T6' */
  :: state[e]==FREE -> assert(!(must_be)); held_b[e]=0                                   /* T7 */
  fi
}

proctype B() {
  { if
    :: told -> take(Y, false);
       if :: b_has[Y] && state[Y]==SEALED -> take(X, true); b_has[X]=0; held_b[X]=0 :: else fi;
       if :: b_has[Y] -> b_has[Y]=0; held_b[Y]=0 :: else fi
    :: skip
    fi;
    b_done=1; end: false
  } unless { atomic { !alive[1] -> b_has[X]=0; b_has[Y]=0 } }; atomic { gone[1]=1; b_done=1 }
}

proctype store_buffer() { end: do :: atomic { buffered -> ring_a!1; buffered=0 } od }
proctype fate() { if :: alive[0]=0 :: skip fi; if :: alive[1]=0 :: skip fi; peace=1 }

#ifdef NO_GENERATION_CHECK
#define READ_A atomic { ring_a?_ -> assert(state[X]!=FREE); refs_x++; contains=1 }
#else
#define READ_A atomic { ring_a?_ -> assert(state[X]!=FREE); \
                        if :: state[Y]!=FREE -> refs_x++; contains=1 :: else fi }
#endif
inline evict(e) {
  evicting[e]=1;                                                                         /* E3 */
  if :: held_a[e] -> goto back :: else fi; if :: held_b[e] -> goto back :: else fi;      /* E4 */
#ifndef NO_DRAIN
#ifdef NO_DRAIN_Y
  if :: e==X -> do :: READ_A :: empty(ring_a) -> break od :: else fi;
#else
  do :: READ_A :: empty(ring_a) -> break od;                                             /* E5 */
#endif
#endif
  atomic { if :: !evicting[e] || (e==X && refs_x>0) -> goto back :: else fi;             /* E6, E7 */
    assert(!a_has[e] && !b_has[e] && (e==Y || (empty(ring_a) && !buffered)));
    state[e]=FREE; evicting[e]=0;
    if :: e==Y && contains -> contains=0; refs_x-- :: else fi };                         /* E8 */
  goto next
}
#define OVER(c) (alive[c] || reaping[c]==3)

proctype raylet() {
  byte n;
  do
  :: atomic { peace && a_done && b_done && OVER(0) && OVER(1) && empty(ring_a) && !buffered ->
       assert(!held_a[X] && !held_a[Y] && !held_b[X] && !held_b[Y] && state[Y]!=CREATING &&
              (refs_x==0 || (contains && state[Y]!=FREE))) }; break
  :: READ_A
  :: atomic { state[X]==SEALED && refs_x==0 -> n=X }; evict(n)
  :: atomic { (state[Y]==SEALED || state[Y]==FAILED) -> n=Y }; evict(n);
back: evicting[n]=0;
next: n=0
  :: atomic { !alive[0] && gone[0] && reaping[0]==0 && empty(ring_a) ->
       reaping[0]=1; if :: state[Y]==CREATING -> state[Y]=FAILED :: else fi }            /* b, d */
  :: atomic { reaping[0]==1 -> held_a[X]=0; reaping[0]=2 }                               /* f */
  :: atomic { reaping[0]==2 -> held_a[Y]=0; reaping[0]=3 }
  :: atomic { !alive[1] && gone[1] && reaping[1]==0 -> held_b[X]=0; reaping[1]=2 }
  :: atomic { reaping[1]==2 -> held_b[Y]=0; reaping[1]=3 }
  od
}

init { atomic { state[X]=SEALED; held_a[X]=1; a_has[X]=1;
  run A(); run B(); run store_buffer(); run fate(); run raylet() } }
