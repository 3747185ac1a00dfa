/* readers.pml: views against spilling and restoring (rule 12). Not built in this version; here so that it is known to
 * be possible.
 *
 * Steps    View: V1 locked or of the reader bit; V2 load the state: SEALED: go on; SPILLING: CAS it back to SEALED,
 *          which cancels the spill, go on; SPILLED: undo, ask for it. V3 only now read the offset, then the bytes.
 *          V4 clear the bit. Spill: L1 look; L2 CAS SEALED -> SPILLING; L3 look again; L4 write; L5 CAS SPILLING ->
 *          SPILLED, a failure means cancelled; L6 only then give the extent back. Restore: new extent, offset, SEALED.
 * World    Two readers, in a word each; all hold the object. Each may be killed once.
 * Bounds   MOVES spills.
 * Ghosts   good: the set of extents that contain the object now.
 *
 * Also right
 *   WAIT             V2 waits while SPILLING
 * Broken
 *   NO_SECOND_LOOK   without L3
 *   OFFSET_FIRST     V3's offset before V1
 *   FREE_BEFORE_CAS  L6 before L5
 */
#ifndef MOVES
#define MOVES 2
#endif
#define SEALED 1
#define SPILLING 2
#define SPILLED 3

byte state=SEALED, offset=0; bit reads[2], wanted;
byte good=1;
bit  alive[2]=1, gone[2], done[2], peace;

proctype reader(byte c) {
  byte at;
again: {
  do
  ::
#ifdef OFFSET_FIRST
     at=offset;
#endif
     reads[c]=1;                                                                         /* V1 */
     if                                                                                  /* V2 with each arm */
     :: state==SEALED ->
#ifndef OFFSET_FIRST
        at=offset;                                                                       /* V3 */
#endif
        assert(good & (1<<at)); skip; assert(good & (1<<at)); reads[c]=0                 /* V4 */
#ifndef WAIT
     :: atomic { state==SPILLING -> state=SEALED };
#ifndef OFFSET_FIRST
        at=offset;
#endif
        assert(good & (1<<at)); skip; assert(good & (1<<at)); reads[c]=0
#endif
     :: state==SPILLED -> reads[c]=0; wanted=1; state!=SPILLED
     fi; at=0
  :: done[c]=1; end: false
  od } unless { atomic { !alive[c] -> gone[c]=1; at=0 } };
  atomic { alive[c] -> gone[c]=0 }; goto again
}

proctype raylet() {
  byte moves;
  do
  :: peace && done[0] && done[1] && alive[0] && alive[1] ->
     assert(!reads[0] && !reads[1] && state!=SPILLING); break
  :: state==SEALED && moves<MOVES -> moves++;
     if :: reads[0] -> goto next :: else fi; if :: reads[1] -> goto next :: else fi;     /* L1 */
     atomic { if :: state==SEALED -> state=SPILLING :: else -> goto next fi };           /* L2 */
#ifndef NO_SECOND_LOOK
     if :: reads[0] -> goto back :: else fi; if :: reads[1] -> goto back :: else fi;     /* L3 */
#endif
     skip;                                                                               /* L4 */
#ifdef FREE_BEFORE_CAS
     good=0;
#endif
     atomic { if :: state==SPILLING -> state=SPILLED :: else -> goto next fi };          /* L5 */
     good=0; goto next;                                                                  /* L6 */
back: atomic { if :: state==SPILLING -> state=SEALED :: else fi };
next: skip
  :: state==SPILLED -> wanted=0; atomic { good=good|(1<<moves); offset=moves }; state=SEALED
  :: atomic { !alive[0] && gone[0] -> reads[0]=0; done[0]=0; alive[0]=1 }
  :: atomic { !alive[1] && gone[1] -> reads[1]=0; done[1]=0; alive[1]=1 }
  od
}

proctype killer() { if :: alive[0]=0 :: skip fi; if :: alive[1]=0 :: skip fi; peace=1 }

init { atomic { run reader(0); run reader(1); run raylet(); run killer() } }
