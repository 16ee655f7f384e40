"""What the peers in Python share: a command line, the timing of a pass, a line of JSON."""
import json
import sys
import time

import automaton


def report(peer, prepare):
    """Prints the mean processor time of the pass that `prepare` makes of the layers, after a warm-up."""
    path, seconds = sys.argv[1], float(sys.argv[2])
    layers = automaton.layers(path)
    run = prepare(layers)
    log_mass = run()
    passes, begin, before = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begin < seconds:
        run()
        passes += 1
    ms = (time.process_time() - before) / passes * 1e3
    transitions = sum(targets.size for targets, _, _ in layers)
    print(json.dumps({"peer": peer, "ms": ms, "log_mass": float(log_mass), "transitions": transitions}))
