/* names.pml: the table of names: written by the raylet alone, read by all (docs/reference-rules.md, NAME and rule 37).
 *
 * Steps    B1..B3, L1..L3. TAKE is one step: it knows the generation, and what is held is not freed (holders.pml).
 * World    One bucket, two names, three records, two entries that are used again. The raylet publishes, publishes anew,
 *          takes names off, and frees objects: E7, then their names, then the entry is granted again. A removed record is
 *          used again at once. One reader looks for name 0 at any time. DEATH: the raylet dies at any step.
 * Step     One load or store of a word. All stores are of one process, and x86 shows them in order.
 * Bounds   OPERATIONS of the raylet.
 * Ghosts   bound: what each name stands for; was: a set of all that name 0 stood for since the look-up began.
 * Waiting  A reader that waited would be found as a process that does not end.
 *
 * Also right
 *   NO_GENERATION    L2 takes whatever object the entry has: an entry loses its names before it is granted again
 *   GRANT_FIRST      the entry is granted again before it loses its names: L2 knows the generation
 * Broken
 *   NO_GENERATION GRANT_FIRST   both
 *   NO_SECOND_LOAD   without the second load of L1
 *   NO_THIRD_LOAD    without L3
 *   NO_VERSION       the bucket has no version
 *   FILL_LATE        B2 before B1
 *   BUMP_FIRST       B3: the bucket first, then the `next` before the record
 *   NO_BUMP          B3: a record that was not the first is used again before the bucket has another version
 *   OVERWRITE        publishing anew writes into the record that is there
 *   WAIT             L1 waits while the raylet is at a step
 */
#ifndef OPERATIONS
#define OPERATIONS 4
#endif
#define RECORDS 3
#define NONE 9
byte head, version;                               /* the bucket: number of the first record plus one; one word */
byte record_name[3] = NONE, record_entry[3], record_generation[3], record_next[3];
bit  used[3], busy;                               /* raylet: records in the chain; it is between two steps */
bit  lives[2]=1; byte generation[2];              /* the state words */
byte held = NONE;                                 /* the entry that the reader holds */
byte bound[2], was; bit raylet_dead;
#define OBJECT(e,g)  (1+3*(e)+(g))
#define BIND(n,o)    bound[n]=o; if :: n==0 -> was=was|(1<<(o)) :: else fi

#ifdef NO_VERSION
#define VERSION 0
#else
#define VERSION version
#endif

proctype reader() {
  byte first, seen, at, e, g, looks, steps; bit found;
  do
  :: looks<1 ->
     atomic { looks++; was=1<<bound[0];
       if :: bound[0]!=0 && (!lives[(bound[0]-1)/3] || generation[(bound[0]-1)/3]!=(bound[0]-1)%3) -> was=was|1
          :: else fi };
again:
#ifdef WAIT
     !busy;
#endif
     atomic { first=head; seen=VERSION; at=first; steps=0; found=0 };                    /* L1 */
     do
     :: at!=0 && !found && steps<RECORDS ->
        if
        :: record_name[at-1]==0 -> e=record_entry[at-1]; g=record_generation[at-1]; found=1
        :: else -> atomic { at=record_next[at-1]; steps++ }
        fi
     :: else -> break
     od;
#ifndef NO_SECOND_LOAD
     if :: head!=first || VERSION!=seen -> goto again :: else fi;
#endif
     if
     :: found ->
#ifdef NO_GENERATION
        atomic { if :: lives[e] -> g=generation[e]; held=e :: else fi };
#else
        atomic { if :: lives[e] && generation[e]==g -> held=e :: else fi };              /* L2 */
#endif
#ifndef NO_THIRD_LOAD
        if :: head!=first || VERSION!=seen -> held=NONE; goto again :: else fi           /* L3 */
#endif
     :: else
     fi;
     /* what is found, nothing included, is what the name stood for at some moment of the call */
     atomic { if :: held!=NONE -> assert(was & (1<<OBJECT(e,g))); held=NONE :: else -> assert(was & 1) fi;
              first=0; seen=0; at=0; e=0; g=0; steps=0; found=0 }
  :: else -> break
  od
}

/* B3, of a record in the chain; it is the one that its name stands for, or `replaced` */
inline take_off(r) {
  atomic { before=NONE; at=head;
    do :: at!=r+1 -> before=at-1; at=record_next[at-1] :: else -> break od; at=0 };
#ifdef BUMP_FIRST
  atomic { version++; if :: before==NONE -> head=record_next[r] :: else fi };
#endif
  if
  :: before!=NONE -> atomic { record_next[before]=record_next[r];
       if :: replaced==NONE -> BIND(record_name[r], 0) :: else fi }
  :: else
  fi;
#ifndef BUMP_FIRST
  atomic {
#ifdef NO_BUMP
    if :: before==NONE -> version++ :: else fi;
#else
    version++;
#endif
    if :: before==NONE -> head=record_next[r];
          if :: replaced==NONE -> BIND(record_name[r], 0) :: else fi
    :: else fi };
#else
  atomic { if :: before==NONE && replaced==NONE -> BIND(record_name[r], 0) :: else fi };
#endif
  atomic { used[r]=0; before=NONE }
}

proctype raylet() {
  byte operations, n, e, r = NONE, old = NONE, before = NONE, at, replaced = NONE;
  { do
    /* publish */
    :: atomic { operations<OPERATIONS && r==NONE -> operations++; busy=1;
         if :: n=0 :: n=1 fi; if :: lives[0] -> e=0 :: lives[1] -> e=1 :: else -> goto next fi;
         old=0; do :: old<RECORDS && !(used[old] && record_name[old]==n) -> old++ :: else -> break od;
         if :: old==RECORDS -> old=NONE :: else fi };
#ifdef OVERWRITE
       if :: old!=NONE -> record_entry[old]=e; atomic { record_generation[old]=generation[e];
               BIND(n, OBJECT(e, generation[e])) }; goto next :: else fi;
#endif
       atomic { r=0; do :: r<RECORDS && used[r] -> r++ :: else -> break od; if :: r==RECORDS -> goto next :: else fi };
#ifdef FILL_LATE
       record_next[r]=head; atomic { head=r+1; version++; used[r]=1; BIND(n, OBJECT(e, generation[e])) };
       record_entry[r]=e; record_generation[r]=generation[e]; record_name[r]=n;
#else
       record_entry[r]=e;                                                                /* B1 */
       atomic { record_generation[r]=generation[e]; record_name[r]=n };
       record_next[r]=head;
       atomic { head=r+1; version++; used[r]=1; BIND(n, OBJECT(e, generation[e])) };     /* B2 */
#endif
       if :: old!=NONE -> replaced=old; take_off(old) :: else fi;
       goto next
    /* take a name off; also when its object was freed */
    :: atomic { operations<OPERATIONS && head!=0 -> operations++; busy=1;
         if :: used[0] -> old=0 :: used[1] -> old=1 :: used[2] -> old=2 fi };
       take_off(old);
       goto next
    :: atomic { operations<OPERATIONS -> operations++; busy=1;
         if :: lives[0] && held!=0 -> e=0 :: lives[1] && held!=1 -> e=1 :: else -> goto next fi;
         if :: generation[e]==1 -> goto next :: else fi;
         lives[e]=0; generation[e]=generation[e]+1;                           /* E7 */
         if :: bound[0]==OBJECT(e, generation[e]-1) -> was=was|1 :: else fi };
#ifdef GRANT_FIRST
       lives[e]=1;
#endif
       do
       :: atomic { used[0] && record_entry[0]==e -> old=0 }; take_off(old)
       :: atomic { used[1] && record_entry[1]==e -> old=1 }; take_off(old)
       :: atomic { used[2] && record_entry[2]==e -> old=2 }; take_off(old)
       :: else -> break
       od;
       lives[e]=1;                                                                       /* granted and sealed again */
next:  atomic { busy=0; n=0; e=0; r=NONE; old=NONE; replaced=NONE; }
    :: operations==OPERATIONS -> break
    od
  } unless { raylet_dead }
}

#ifdef DEATH
proctype fate() { raylet_dead=1 }
#endif

init { atomic { run reader(); run raylet();
#ifdef DEATH
  run fate();
#endif
} }
