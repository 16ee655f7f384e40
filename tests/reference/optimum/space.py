"""A task by enumeration: every output of every prompt that counts, and the value of an objective at a table.

Prompts that count are those of positive weight that have a valid output which the base reaches; their weights
are scaled to sum to one. Everything is a plain sum over outputs (MATH.md, sections 1, 4, 5).
"""

import math
import re
from collections import namedtuple
from itertools import product

Output = namedtuple("Output", "text choices base valid")  # choices: [(row, column)] of the policy; base: a(y)
Prompt = namedtuple("Prompt", "text weight outputs valid invalid")  # valid, invalid: base mass of each class


class Space:
    def __init__(self, task):
        self.task = task
        self.rows = {}  # (position or 0, context) -> number of the row
        self.width = len(task["alphabet"]) + task["end"]
        self.prompts = []
        accepts = re.compile(task["pattern"]).fullmatch
        weights = task["weights"] or [1.0] * len(task["prompts"])
        for text, weight in zip(task["prompts"], weights):
            outputs = [self._output(text, y, accepts) for y in self.strings(task)] if weight > 0 else []
            valid = math.fsum(o.base for o in outputs if o.valid)
            invalid = math.fsum(o.base for o in outputs if not o.valid)
            if valid > 0:
                self.prompts.append(Prompt(text, weight, outputs, valid, invalid))
        total = math.fsum(p.weight for p in self.prompts)
        self.prompts = [p._replace(weight=p.weight / total) for p in self.prompts]
        # Rows that only prompts which do not count would reach are not part of the search.
        used = sorted({r for p in self.prompts for o in p.outputs for r, _ in o.choices})
        number = {r: i for i, r in enumerate(used)}
        self.rows = {key: number[r] for key, r in self.rows.items() if r in number}
        self.prompts = [
            p._replace(outputs=[o._replace(choices=[(number[r], k) for r, k in o.choices]) for o in p.outputs])
            for p in self.prompts
        ]

    @staticmethod
    def strings(task):
        lengths = range(task["horizon"] + 1) if task["end"] else [task["horizon"]]
        return ["".join(y) for n in lengths for y in product(task["alphabet"], repeat=n)]

    @staticmethod
    def steps(task, prompt, text, order):
        """(position, context, column) of each factor of an output."""
        letters = task["alphabet"]
        past = "^" * (order - 1) + prompt
        columns = [letters.index(c) for c in text]
        if task["end"] and len(text) < task["horizon"]:
            columns.append(len(letters))
        for position, column in enumerate(columns):
            read = past + text[:position]
            yield position, read[len(read) - order + 1 :], column

    @staticmethod
    def contexts(task, order, by_position):
        """The contexts that some string reaches from some prompt: one set, or one a position."""
        tables = [set() for _ in range(task["horizon"] if by_position else 1)]
        for prompt in task["prompts"]:
            for n in range(task["horizon"]):
                for y in product(task["alphabet"], repeat=min(n, order - 1)):
                    read = "^" * (order - 1) + prompt + "a" * (n - len(y)) + "".join(y)
                    tables[n if by_position else 0].add(read[len(read) - order + 1 :])
        return tables

    def _output(self, prompt, text, accepts):
        task, base, policy = self.task, self.task["base"], self.task["policy"]
        mass = 1.0
        for position, context, column in self.steps(task, prompt, text, base["order"]):
            mass *= base["tables"][position if len(base["tables"]) > 1 else 0][context][column]
        choices = []
        for position, context, column in self.steps(task, prompt, text, policy["order"]):
            key = (position if policy["position_dependent"] else 0, context)
            choices.append((self.rows.setdefault(key, len(self.rows)), column))
        truncated = task["end"] and len(text) == task["horizon"]
        valid = accepts(text) is not None and not (truncated and task["truncated_is_invalid"])
        return Output(text, choices, mass, valid)

    def strength(self, objective, prompt):
        """λ = 1/β for a prompt."""
        if "lambda" in objective:
            return objective["lambda"]
        mu = objective["mu"]
        return math.log(mu / (1 - mu)) - math.log(prompt.valid / prompt.invalid)

    def weights(self, objective):
        """The prompts' weights: as they are, or in proportion to weight * beta (KL-control at a validity rate, whose
        beta differ, then maximises mean(E_q[v] - beta KL(q||a)) where the plain mean of KL(q||p_beta) is another aim)."""
        found = [p.weight / (self.strength(objective, p) if "by_beta" in objective else 1) for p in self.prompts]
        return [w / math.fsum(found) for w in found]

    def value(self, objective, table):
        """The objective at a policy: `table` holds a row of probabilities for each row number."""
        terms = []
        for p, weight in zip(self.prompts, self.weights(objective)):
            for o in p.outputs:
                q = math.prod(table[r][k] for r, k in o.choices)
                terms.append(weight * self._term(objective, p, o, q))
            if objective["kind"] == "kl":
                strength = self.strength(objective, p)
                terms.append(weight * math.log(p.valid * math.exp(strength) + p.invalid))
        if math.inf in terms:
            return math.inf
        total = math.fsum(terms)
        if objective["kind"] == "alpha" and "clip" not in objective:
            alpha = objective["alpha"]
            return (1 - total) / (alpha * (1 - alpha))
        return total

    def _term(self, objective, prompt, output, q):
        target = output.base / prompt.valid if output.valid else 0.0
        if objective["kind"] == "kl":
            if q == 0:
                return 0.0
            if output.base == 0:
                return math.inf
            return q * (math.log(q / output.base) - self.strength(objective, prompt) * output.valid)
        if objective["kind"] == "forward":
            if target == 0:
                return 0.0
            return target * math.log(target / q) if q > 0 else math.inf
        alpha = objective["alpha"]
        if "clip" not in objective:
            return target ** (1 - alpha) * q**alpha if target > 0 else 0.0
        if target == 0:
            return q
        bound = objective["clip"]
        corner = target * (1 + bound) ** (-1 / (1 - alpha))
        if q <= corner:
            return -bound * q
        return -(bound * corner + target ** (1 - alpha) * (q**alpha - corner**alpha) / alpha - (q - corner))
