// crash/tasks.h: everything a client can do, as functions that run in a driver and in a worker alike.
//   Process    compiled into the tests, and into the library that their sessions' workers load
//   Errors     a wrong result is a std::runtime_error that names the step; in a task it reaches whoever gets the result
#pragma once

#include <mobula/names.h>
#include <mobula/pin.h>
#include <mobula/retention.h>
#include <mobula/weak.h>
#include <ray/api.h>

#include <string>
#include <vector>

namespace mobula::crash {

using Text = ray::ObjectRef<std::string>;

struct Parcel {
  std::string label;
  std::vector<Text> parts;
  MSGPACK_DEFINE(label, parts)
};

struct Crate {
  int seed = 0;
  std::vector<ray::ObjectRef<Crate>> others;
  MSGPACK_DEFINE(seed, others)
};

// The text that belongs to a seed: whoever reads it can tell whether it is the right one.
std::string text_of(std::size_t bytes, int seed);

int add(int a, int b);
int nap(int wait_ms);
int pid_after(int wait_ms);
std::string make_text(int bytes, int seed);
Parcel make_parcel(int seed);
int weigh(Parcel parcel);
int size_of(std::string text);
// Submits itself `depth` levels deep and waits for each: its worker is blocked.
int nest(int depth);
int fail(int seed);
// A crate that contains the one with that name, once there is one; it does not wait for ever.
Crate crate_around(std::string name, int seed);
// Two crates that contain each other.
std::vector<ray::ObjectRef<Crate>> make_cycle(int seed);
// It leads to crates of its seed only, and they all are there.
bool is_whole(const ray::ObjectRef<Crate> &start, int seed);
// An actor that keeps what it is given.
class Keeper {
 public:
  // How many parts it has now.
  int Keep(std::vector<Text> parts);
  // Bytes of all of them.
  int Weigh();
  int Leave();

 private:
  std::vector<Text> kept_;
};
Keeper *make_keeper(int seed);
int weigh_in_task(ray::ActorHandle<Keeper> keeper);
// Kills its worker each time.
int die(int seed);

// All of it once: puts of every kind, handles, ids, containers, tasks, waits, names, weak references, cycles, a store
// under pressure. Gives the seed.
int exercise(int seed);
// Stops `raylet`, so that the own ring gets full, and submits: sleeps for room until somebody continues the raylet.
int fill_ring(int seed, int raylet);

}  // namespace mobula::crash
