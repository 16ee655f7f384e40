// Shortest distance in the log semiring with 64-bit weights. The automaton is unrolled, as OpenFst knows no time.

#include <fst/fstlib.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <vector>

using fst::Log64Arc;
using fst::Log64Weight;

int main(int, char** argv) {
  std::ifstream file(argv[1]);
  const double seconds = std::atof(argv[2]);
  int states, symbols, horizon;
  file >> states >> symbols >> horizon;
  std::vector<int> accepts(states), targets(states * symbols);
  std::vector<double> log_probs(states * symbols);
  for (int state = 0; state < states; ++state) {
    file >> accepts[state];
    for (int i = state * symbols; i < (state + 1) * symbols; ++i) file >> targets[i] >> log_probs[i];
  }

  // State s at a position is position * states + s; behind the last symbol there are two, valid and invalid.
  const int valid = horizon * states;
  fst::VectorFst<Log64Arc> unrolled;
  for (int state = 0; state < valid + 2; ++state) unrolled.AddState();
  unrolled.SetStart(0);
  unrolled.SetFinal(valid, Log64Weight::One());
  for (int from = 0; from < valid; ++from) {
    const int first = from % states * symbols, behind = (from / states + 1) * states;
    unrolled.ReserveArcs(from, symbols);
    for (int i = 0; i < symbols; ++i) {
      const int target = targets[first + i];
      const int to = behind < valid ? behind + target : valid + !accepts[target];
      unrolled.AddArc(from, Log64Arc(i + 1, i + 1, -log_probs[first + i], to));
    }
  }

  // With the default delta a state is left alone when its sum changes by less, and that mass is lost.
  const float delta = 0;
  std::vector<Log64Weight> distances;
  const auto pass = [&] { fst::ShortestDistance(unrolled, &distances, false, delta); };
  pass();
  long transitions = 0;
  for (int from = 0; from < valid; ++from) transitions += distances[from] != Log64Weight::Zero() ? symbols : 0;

  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t before = std::clock();
  int passes = 0;
  while (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < seconds) {
    pass();
    ++passes;
  }
  const double ms = 1e3 * (std::clock() - before) / CLOCKS_PER_SEC / passes;
  std::printf("{\"peer\": \"OpenFst, log64\", \"ms\": %.17g, \"log_mass\": %.17g, \"transitions\": %ld}\n", ms,
              -distances[valid].Value(), transitions);
}
