// One session in each MPI rank: an array goes round the ring of ranks, sent straight out of a view of the object and
// received straight into a draft of the next one. Tasks of each rank's own workers make and check it.
//   mpirun -np 2 ring [DOUBLES]      default 1000000; exit status 1 when an array arrives wrong
#include <mobula/draft.h>
#include <mobula/view.h>
#include <mpi.h>
#include <ray/api.h>

#include <cstdio>
#include <cstdlib>

std::vector<double> make(int rank, int count) {
  std::vector<double> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = rank + static_cast<double>(i % 1000);
  return values;
}
int count_wrong(mobula::View<std::vector<double>> values, int rank) {
  int wrong = 0;
  for (std::size_t i = 0; i < values.size(); ++i) wrong += values[i] != rank + static_cast<double>(i % 1000);
  return wrong;
}
RAY_REMOTE(make, count_wrong);

namespace {

using Array = ray::ObjectRef<std::vector<double>>;

// No copy in this process: the pages that MPI reads are those that the task has written.
void send(const Array &array, int to) {
  const auto view = mobula::view(array);
  MPI_Send(view.data(), static_cast<int>(view.size()), MPI_DOUBLE, to, 0, MPI_COMM_WORLD);
}

Array receive(int count, int from) {
  auto draft = mobula::create<double>(static_cast<std::size_t>(count));
  MPI_Recv(draft.data(), count, MPI_DOUBLE, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return std::move(draft).seal();
}

int go_round(int rank, int ranks, int count) {
  const int next = (rank + 1) % ranks, previous = (rank + ranks - 1) % ranks;
  const Array own = ray::Task(make).Remote(rank, count);
  if (rank == 0) send(own, next);  // somebody has to begin: MPI_Send may wait for the receiver
  const Array received = receive(count, previous);
  if (rank != 0) send(own, next);
  const int wrong = *ray::Task(count_wrong).Remote(received, previous).Get();
  std::printf("rank %d of %d: %d doubles from rank %d, %d wrong\n", rank, ranks, count, previous, wrong);
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const int count = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  int status = 2;
  if (ranks > 1 && count > 0) {
    ray::RayConfig config;
    config.head_args = {"--num-cpus", "2"};
    ray::Init(config);
    status = go_round(rank, ranks, count);
    ray::Shutdown();
  } else {
    std::fprintf(stderr, "usage: mpirun -np N ring [DOUBLES], with at least two ranks\n");
  }
  MPI_Finalize();
  return status;
}
