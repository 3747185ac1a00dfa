/* verdict_fields.pml: who writes what in the header of a result (docs/reference-rules.md, rule 29).
 *
 * Steps    Q3..Q5 of a worker while the raylet fails the same result. The worker's fields count only in SEALED; the
 *          raylet's verdict has fields of its own, written before its CAS.
 * Broken
 *   SHARED_FIELDS   both write the same two fields
 */
#define PENDING 0
#define CREATING 1
#define SEALED 2
#define FAILED 3
byte state, offset, size, code, payload;

proctype worker() {
  atomic { if :: state==PENDING -> state=CREATING :: else -> goto out fi };              /* Q3 */
  offset=1; size=1;                                                                      /* Q4 */
  atomic { if :: state==CREATING -> state=SEALED :: else fi };                           /* Q5 */
out: skip
}

proctype raylet() {
#ifdef SHARED_FIELDS
  offset=2; size=2;
#else
  code=2; payload=2;
#endif
  atomic { if :: state<=CREATING -> state=FAILED :: else fi }
}

proctype reader() {
  byte a, b;
  if
  :: state==SEALED -> a=offset; b=size; assert(a==1 && b==1)
#ifdef SHARED_FIELDS
  :: state==FAILED -> a=offset; b=size; assert(a==2 && b==2)
#else
  :: state==FAILED -> a=code; b=payload; assert(a==2 && b==2)
#endif
  fi
}

init { atomic { run worker(); run raylet(); run reader() } }
