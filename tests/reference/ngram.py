#!/usr/bin/env python3
"""Reference tables of n-grams estimated from small corpora: writes `ngram.json`.

Exact rational arithmetic (fractions) from the definitions; each probability is
rounded once to float64 in `rows` and given exactly in `exact`.

What had to be chosen:
 * The padded string is n-1 times `^`, the prompt, the response, and `$` with EndSymbol. Only the positions of the
   response (and its `$`) are counted: the prompt is context and is predicted nowhere.
 * The `$` is appended whatever the length of the response: a corpus shows where its strings end, and the horizon
   cuts what a model emits, not what it is estimated from.
 * A corpus entry counts as often as it occurs.
 * Kneser-Ney: c_n are the raw counts at the top order; c_j(h, w) = number of distinct u with c_{j+1}(u h, w) > 0,
   where u may be `^` or a prompt symbol. Lower orders therefore know only what the counted positions show.
 * `rows` has every context of n-1 symbols over `^` (as left padding only), alphabet and prompt symbols that the
   corpus shows or that can be reached from a prompt of the corpus or from the empty prompt, and for order 2
   and 3 every context over alphabet and prompt symbols besides. Rows are in alphabet order, then `$`.
 * Keys as in exact.py: symbols joined directly, or by a space if a symbol has several characters.
 * `smoothing` is {"add_k": k} or {"kneser_ney": D}, k and D as decimal text.
"""

import itertools
import json
from fractions import Fraction
from pathlib import Path


def read_symbols(text, symbols):
    out, at = [], 0
    while at < len(text):
        out.append(max((s for s in symbols if text.startswith(s, at)), key=len))
        at += len(out[-1])
    return out


class Corpus:
    def __init__(self, case):
        self.alphabet = case["alphabet"]
        self.symbols = self.alphabet + [s for s in case["prompt_alphabet"] if s not in self.alphabet]
        self.order = case["order"]
        self.outcomes = self.alphabet + (["$"] if case["ending"] == "EndSymbol" else [])
        self.events = []  # (context of n-1 symbols, predicted symbol), with multiplicity
        for entry in case["corpus"]:
            prompt = read_symbols(entry["prompt"], self.symbols)
            response = read_symbols(entry["response"], self.alphabet)
            assert len(response) <= case["horizon"]
            assert case["ending"] == "EndSymbol" or len(response) == case["horizon"]
            end = ["$"] if case["ending"] == "EndSymbol" else []
            padded = ["^"] * (self.order - 1) + prompt + response + end
            first = self.order - 1 + len(prompt)
            for at in range(first, len(padded)):
                self.events.append((tuple(padded[at - self.order + 1:at]), padded[at]))

    def counts(self, level):
        """c_level as {(h, w): count}: raw at the top, distinct left extensions below."""
        table = {}
        if level == self.order:
            for event in self.events:
                table[event] = table.get(event, 0) + 1
            return table
        extensions = {(h[1:], w): set() for h, w in self.counts(level + 1)}
        for h, w in self.counts(level + 1):
            extensions[h[1:], w].add(h[0])
        return {event: len(us) for event, us in extensions.items()}


def add_k(corpus, k, h):
    size = len(corpus.outcomes)
    count = {w: sum(1 for e in corpus.events if e == (h, w)) for w in corpus.outcomes}
    total = sum(count.values())
    if total == 0 and k == 0:
        return [Fraction(1, size)] * size
    return [(count[w] + k) / (total + k * size) for w in corpus.outcomes]


def kneser_ney(corpus, discount, h):
    """p_j( . | h) with j - 1 = len(h)."""
    size = len(corpus.outcomes)
    lower = kneser_ney(corpus, discount, h[1:]) if h else [Fraction(1, size)] * size
    table = corpus.counts(len(h) + 1)
    c = [Fraction(table.get((h, w), 0)) for w in corpus.outcomes]
    total = sum(c)
    if total == 0:
        return lower
    weight = sum(min(x, discount) for x in c) / total
    return [max(x - discount, Fraction(0)) / total + weight * p for x, p in zip(c, lower)]


def contexts(corpus, case):
    n = corpus.order
    if n == 1:
        return [()]
    found = dict.fromkeys(h for h, _ in corpus.events)
    for prompt in dict.fromkeys([""] + [e["prompt"] for e in case["corpus"]]):
        read = ["^"] * (n - 1) + read_symbols(prompt, corpus.symbols)
        for length in range(min(n, case["horizon"])):
            for y in itertools.product(corpus.alphabet, repeat=length):
                found[tuple((read + list(y))[-(n - 1):])] = None
    for h in itertools.product(corpus.symbols, repeat=n - 1):
        found[h] = None
    return list(found)


def entry(prompt, response):
    return {"prompt": prompt, "response": response}


def responses(text):
    return [entry("", r) for r in text.split(",")]


def case(name, alphabet, horizon, ending, order, smoothing, corpus, prompt_alphabet=()):
    return {
        "name": name, "alphabet": list(alphabet), "prompt_alphabet": list(prompt_alphabet), "horizon": horizon,
        "ending": ending, "order": order, "smoothing": smoothing, "corpus": corpus,
    }


E, F = "EndSymbol", "FixedLength"
FREE = responses("ab,a,abb,,aab,ab,ba,bbb")
FIXED = responses("abca,aabb,abab,bcab,aaca,abca")
THREE = responses("abcb,ab,cab,abca,,bcab,a,abc")
PROMPTED = [
    entry("x", "ab"), entry("x", "abb"), entry("y", "ba"), entry("xy", "a"), entry("", "bb"), entry("y", ""),
    entry("ax", "bab"), entry("xa", "aa"), entry("x", "ab"), entry("yb", "aab"),
]


def cases():
    yield case("add_k_order1_end", "ab", 3, E, 1, {"add_k": "1.0"}, FREE)
    yield case("add_k_order2_end", "ab", 3, E, 2, {"add_k": "0.5"}, FREE)
    yield case("add_k_order3_end", "ab", 3, E, 3, {"add_k": "0.1"}, FREE)
    yield case("add_k_order2_fixed", "abc", 4, F, 2, {"add_k": "1.0"}, FIXED)
    yield case("add_k_zero_order2_fixed", "abcd", 4, F, 2, {"add_k": "0.0"}, FIXED)
    yield case("add_k_zero_order3_end", "abc", 4, E, 3, {"add_k": "0.0"}, THREE)
    yield case("add_k_prompts_order2", "ab", 3, E, 2, {"add_k": "1.0"}, PROMPTED, "xy")
    yield case("add_k_zero_prompts_order3", "ab", 3, E, 3, {"add_k": "0.0"}, PROMPTED, "xy")
    for d, text in (("0.75", "075"), ("0.0", "0"), ("1.0", "1")):
        yield case(f"kneser_ney_{text}_order1_end", "ab", 3, E, 1, {"kneser_ney": d}, FREE)
        yield case(f"kneser_ney_{text}_order2_end", "ab", 3, E, 2, {"kneser_ney": d}, FREE)
        yield case(f"kneser_ney_{text}_order2_fixed", "abcd", 4, F, 2, {"kneser_ney": d}, FIXED)
        yield case(f"kneser_ney_{text}_order3_end", "abc", 4, E, 3, {"kneser_ney": d}, THREE)
        yield case(f"kneser_ney_{text}_prompts_order3", "ab", 3, E, 3, {"kneser_ney": d}, PROMPTED, "xy")
    yield case("kneser_ney_075_order3_fixed", "abc", 4, F, 3, {"kneser_ney": "0.75"}, FIXED)
    yield case("kneser_ney_075_prompts_order2", "ab", 3, E, 2, {"kneser_ney": "0.75"}, PROMPTED, "xy")
    yield case("kneser_ney_05_order4_end", "ab", 3, E, 4, {"kneser_ney": "0.5"}, FREE)
    yield case("kneser_ney_075_symbols_order3", ["ab", "c"], 3, E, 3, {"kneser_ney": "0.75"},
               [entry("z", "abc"), entry("", "cab"), entry("z", "ab"), entry("zc", "cc"), entry("", "abab")], ["z"])


def main():
    entries = []
    for c in cases():
        corpus = Corpus(c)
        (kind, text), = c["smoothing"].items()
        glue = " " if any(len(s) > 1 for s in corpus.symbols) else ""
        rows = {}
        for h in contexts(corpus, c):
            row = (add_k if kind == "add_k" else kneser_ney)(corpus, Fraction(text), h)
            assert sum(row) == 1 and min(row) >= 0, (c["name"], h)
            rows[glue.join(h)] = row
        entries.append(c | {
            "rows": {h: [float(p) for p in row] for h, row in rows.items()},
            "exact": {h: [str(p) for p in row] for h, row in rows.items()},
        })
        print(c["name"], len(rows))
    lines = ",\n".join(json.dumps(e) for e in entries)
    Path(__file__).with_name("ngram.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(len(entries), "cases")


if __name__ == "__main__":
    main()
